import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "./connection.ts";
import { digestOf, type ScriptName, scriptFolder } from "./scripts.ts";
import { quote } from "./shell.ts";

/** A call of one of the garden's scripts on the host. The arguments are shown in plans and errors: no secrets. */
export type Call = readonly [script: ScriptName, ...args: pulumi.Input<string>[]];

export interface HostCommandArgs {
  /** Runs on create and, when anything here changed, again on update: the script must bear being repeated. */
  readonly run: Call;
  /** Runs when the resource is removed. Without it nothing happens then. */
  readonly remove?: Call;
  /**
   * What the scripts read on standard input, as JSON. The only way for secrets: a failing command prints its whole
   * text. Marked secret as a whole.
   */
  readonly input?: pulumi.Input<object>;
  /**
   * What the call is about. If it changes, `remove` runs first, as it was for the former one, and then `run` anew. Shown
   * in plans: no secrets.
   */
  readonly about?: pulumi.Input<string>;
}

/** A resource that is a call of a script on the host, over the one connection. */
export function hostCommand(
  connection: Connection,
  name: string,
  args: HostCommandArgs,
  options: pulumi.CustomResourceOptions,
): command.local.Command {
  const run = line(connection, args.run, digestOf(args.run[0]));
  return new command.local.Command(
    name,
    {
      interpreter: [...connection.interpreter],
      create: run,
      update: run,
      ...(args.remove === undefined ? {} : { delete: line(connection, args.remove) }),
      ...(args.input === undefined ? {} : { stdin: pulumi.secret(pulumi.jsonStringify(args.input)) }),
      ...(args.about === undefined ? {} : { triggers: [args.about] }),
      // Scripts report progress on stderr; stdout is for values.
      logging: "stderr",
      addPreviousOutputInEnv: false,
    },
    // The other way round `remove` would take away what `run` has just made.
    args.about === undefined ? options : { ...options, deleteBeforeReplace: true },
  );
}

function line(connection: Connection, call: Call, digest?: string): pulumi.Output<string> {
  const [script, ...args] = call;
  return pulumi.all(args).apply((words) => {
    const text = [`${scriptFolder}/${script}`, ...words.map(quote)].join(" ");
    return `${connection.asRoot}${text}${digest === undefined ? "" : ` # ${digest}`}`;
  });
}
