/** One look at the host. */
import { readFileSync } from "node:fs";
import type { Connection } from "../components/host/connection.ts";
import { runOnHost } from "../components/host/run-on-host.ts";
import { explainSsh } from "../components/host/ssh-error.ts";
import type { GardenFacts, NoDocker } from "./facts.ts";
import { Failure } from "./failure.ts";

/** Asks the host, in one SSH session that changes nothing there. @throws Failure */
export async function lookAtHost(connection: Connection): Promise<GardenFacts | NoDocker> {
  const text = readFileSync(new URL("status.sh", import.meta.url), "utf8");
  const result = await runOnHost(connection, `${connection.asRoot}bash -s`, text);
  if (result.code !== 0) throw new Failure(explainSsh(result, connection.label).message);
  try {
    const facts: GardenFacts | NoDocker = JSON.parse(result.stdout);
    return facts;
  } catch {
    throw new Failure(
      `${connection.label} answered with something else than facts: a login script that prints?`,
    );
  }
}

/** What it means that Docker on the host tells nothing. */
export function explainNoDocker(state: NoDocker["docker"]["state"], label: string): Failure {
  switch (state) {
    case "absent":
    case "unprepared":
      return new Failure(`there is no garden on ${label} yet: it was never prepared. Plant it: pulumi up`, 1);
    case "down":
      return new Failure(
        `Docker on ${label} does not run, so nothing of the garden does. On the host: systemctl status docker, systemctl start docker`,
        1,
      );
    case "denied":
      return new Failure(
        `the login on ${label} may not use Docker. Use root, or a login that may become root`,
      );
  }
}
