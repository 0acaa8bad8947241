// Runs before the program, as plain JavaScript of any age: a Node that is too old could not even say what is wrong.
var wanted = 24;
var major = Number(process.versions.node.split(".")[0]);
if (major < wanted) {
  process.stderr.write(
    "botgarden needs Node " +
      wanted +
      " or newer, but `node` on your PATH is " +
      process.version +
      ".\n" +
      'Put the project\'s own first: export PATH="$PWD/node_modules/.bin:$PATH" (after npm install), or install Node ' +
      wanted +
      ".\n",
  );
  process.exit(1);
}
