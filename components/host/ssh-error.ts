import type { RunResult } from "./run-on-host.ts";

/** What went wrong with a connection, for people. */
export interface SshProblem {
  /** What, where and what to do. */
  readonly message: string;
  /** Whether waiting may help. */
  readonly mayPass: boolean;
}

/** ssh's own words (OpenSSH, in English whatever the locale) and what they mean for the operator. */
const causes: readonly { words: RegExp; mayPass: boolean; meaning: (label: string) => string }[] = [
  {
    words: /REMOTE HOST IDENTIFICATION HAS CHANGED|does not match|Host key verification failed.*changed/is,
    mayPass: false,
    meaning: (label) =>
      `${label} shows another host key than the one on record: the host was installed anew, or somebody is in between. ` +
      `Compare the key on the host's own console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); if it is right, correct hostKey with pulumi config set, or remove the old line with ssh-keygen -R`,
  },
  {
    words: /Host key verification failed|No .* host key is known/i,
    mayPass: false,
    meaning: (label) =>
      `the host key of ${label} is not the one that was pinned, or not known at all. Compare it on the host's own console, then set it: pulumi config set hostKey "ssh-ed25519 AAAA…" (or connect once by hand and accept it)`,
  },
  {
    words: /Permission denied|Too many authentication failures|no such identity/i,
    mayPass: false,
    meaning: (label) =>
      `${label} refuses your SSH key. Put your public key into ~/.ssh/authorized_keys of that login on the host (ssh-copy-id), or set identityFile to the right key`,
  },
  {
    words: /Could not resolve hostname/i,
    mayPass: false,
    meaning: (label) =>
      `the name in ${label} is not known to DNS or to your SSH configuration. Correct it: pulumi config set host`,
  },
  {
    words:
      /Connection refused|timed out|No route to host|Network is unreachable|Connection reset|closed by|kex_exchange/i,
    mayPass: true,
    meaning: (label) =>
      `${label} cannot be reached over SSH. Check that the host runs, that the address and port are right and that no firewall is in between`,
  },
  {
    words: /ENOENT/,
    mayPass: false,
    meaning: () =>
      "there is no ssh program on this machine. Install OpenSSH's client (apt-get install openssh-client)",
  },
];

/** Puts a failed connection into the operator's terms; ssh's own last line is quoted. */
export function explainSsh(result: RunResult, label: string): SshProblem {
  const lines = result.stderr.split("\n").filter((line) => line.trim() !== "");
  const said = lines.at(-1)?.trim() ?? `exit code ${result.code}`;
  // ssh ends with 255, a program that could not be started with 127; anything else is the command's on the host.
  const ofSsh = result.code === 255 || result.code === 127;
  const cause = causes.find(({ words }) => ofSsh && words.test(result.stderr));
  if (cause === undefined) return { message: `looking at ${label} failed: ${said}`, mayPass: false };
  return { message: `${cause.meaning(label)}. ssh says: ${said}`, mayPass: cause.mayPass };
}
