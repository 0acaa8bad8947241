/**
 * Where a Docker engine is: a unix socket, or another machine over ssh.
 *
 * For ssh the operator's own `ssh` is run, with the arguments that docker's command line and the official plugin
 * use (docker/cli v28.5.2, cli/connhelper/connhelper.go and cli/connhelper/ssh/ssh.go).
 */

/** A unix socket by its path, or the arguments of the `ssh` whose standard streams speak to the engine. */
export type EngineAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "ssh"; readonly args: readonly string[] };

/**
 * Reads an address such as `unix:///var/run/docker.sock` or `ssh://user@host:22`.
 *
 * @param host the provider's `host`
 * @param sshOpts further arguments for `ssh`, taken as they are
 * @throws Error with the official wording for a bad ssh address, and by name for schemes that aren't supported
 */
export function engineAddress(host: string, sshOpts: readonly string[]): EngineAddress {
  const scheme = /^([a-z]+):\/\//.exec(host)?.[1];
  if (scheme === undefined) throw new Error(`unable to parse docker host \`${host}\``);
  if (scheme === "unix") return { kind: "unix", path: host.slice("unix://".length) };
  if (scheme === "ssh") return { kind: "ssh", args: sshArguments(host, sshOpts) };
  throw new Error(
    `the stand-in for the docker plugin does not know hosts of the kind "${scheme}://" (given: ${host}); ` +
      "use unix:///path/of/docker.sock or ssh://user@host",
  );
}

function sshArguments(host: string, sshOpts: readonly string[]): readonly string[] {
  const url = URL.parse(host);
  const fault = sshFault(host, url);
  if (fault !== undefined || url === null) {
    throw new Error(`ssh host connection is not valid: invalid SSH URL: ${fault ?? "cannot be read"}`);
  }
  const flags = [...sshOpts];
  if (!flags.join("").includes("ConnectTimeout")) flags.push("-o ConnectTimeout=30");
  if (!flags.includes("-T")) flags.push("-T");
  const socket = url.pathname.replaceAll("/", "") === "" ? [] : [`--host=unix://${url.pathname}`];
  return [
    ...(url.username === "" ? [] : ["-l", quoted(decodeURIComponent(url.username))]),
    ...(url.port === "" ? [] : ["-p", url.port]),
    ...flags,
    "--",
    quoted(url.hostname.replace(/^\[(.*)\]$/, "$1")),
    ["docker", ...socket, "system", "dial-stdio"].map(quoted).join(" "),
  ];
}

function sshFault(host: string, url: URL | null): string | undefined {
  if (url === null || url.hostname === "") return "hostname is empty";
  if (url.password !== "") return "plain-text password is not supported";
  if (url.search !== "") return `query parameters are not allowed: "${url.search.slice(1)}"`;
  if (url.hash !== "") return `fragments are not allowed: "${url.hash.slice(1)}"`;
  return host.includes("\0") ? "a zero byte" : undefined;
}

/** Quotes for a POSIX shell, which is what `ssh` hands the remote command to. Plain words stay as they are. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
