/** What is wrong with a garden: a pure function of what was seen. */
import { judgeBot } from "./judge-bot.ts";
import { judgeContainer } from "./judge-container.ts";
import { type Problem, problemsOf } from "./problem.ts";
import type { ContainerStatus, GardenStatus } from "./status-of.ts";
import {
  CERTIFICATE_LIFE_LEFT,
  CERTIFICATE_TIME_LEFT,
  CONNECTIONS_PERCENT,
  DISK_FULL_PERCENT,
  MEMORY_LEFT_PERCENT,
} from "./thresholds.ts";
import { duration, secondsBetween, share, size } from "./words.ts";

/** Everything that is wrong, the bots first. */
export function judge(status: GardenStatus): Problem[] {
  const { bots, edge, postgres, certbot } = status;
  if (bots.length === 0 && edge === null && postgres === null) {
    return [{ about: "host", text: "there is no garden on it", next: "Plant it: pulumi up." }];
  }
  return [
    ...bots.flatMap((bot) => judgeBot(bot, status)),
    ...judgeTelegram(status),
    ...judgePart("edge", edge, status, undefined),
    ...judgeCertificate(status),
    ...judgePart("postgres", postgres, status, "postgres.memory"),
    ...judgePostgres(status),
    ...(certbot === null ? [] : judgePart("certbot", certbot, status, undefined)),
    ...judgeHost(status),
  ];
}

/** What keeps Telegram from telling of webhooks is mostly the same for all bots. */
function judgeTelegram({ bots }: GardenStatus): Problem[] {
  const names = new Map<string, string[]>();
  for (const { name, webhook } of bots) {
    if (webhook.failure === null || webhook.unauthorized) continue;
    names.set(webhook.failure, [...(names.get(webhook.failure) ?? []), name]);
  }
  return problemsOf("telegram", (report) => {
    for (const [failure, affected] of names) {
      report(
        `does not tell of the webhook of ${affected.join(", ")}: ${failure}`,
        "If that stays so, check the host's network and telegram.apiRoot.",
      );
    }
  });
}

function judgePart(
  name: string,
  container: ContainerStatus | null,
  { time }: GardenStatus,
  memory: string | undefined,
): Problem[] {
  return problemsOf(name, (report) => {
    if (container === null) report("has no container", "Run pulumi refresh, then pulumi up.");
    else judgeContainer(container, { time, log: name, memory }, report);
  });
}

function judgeCertificate({ certificate, certbot, edge, time }: GardenStatus): Problem[] {
  return problemsOf("certificate", (report) => {
    const edgeLog = "npm run logs -- edge shows why.";
    if (certificate === null) {
      // An edge that does not run is told already.
      if (edge?.state === "running") report("cannot be looked at", `${edgeLog} Then pulumi up.`);
      return;
    }
    const { source, notBefore, notAfter, served, lastFailure, nextTry } = certificate;
    const left = secondsBetween(time, notAfter);
    const life = secondsBetween(notBefore, notAfter);
    const renewed = source === "issued" || source === "placeholder";
    const failure =
      lastFailure === null
        ? ""
        : `; the last try, at ${lastFailure.at}, failed: ${lastFailure.reason}${nextTry === null ? "" : ` (next try at ${nextTry})`}`;
    const how = renewed ? "npm run logs -- certbot shows why." : "Renew it, then pulumi up.";
    if (source === "placeholder") {
      report(
        `none was issued yet, and nobody trusts the placeholder${failure}`,
        `${how} pulumi up tries again.`,
      );
    } else if (left <= 0) {
      report(`ended at ${notAfter}${failure}`, `${how} pulumi up tries again.`);
    } else if (left < life * CERTIFICATE_LIFE_LEFT && (renewed || left < CERTIFICATE_TIME_LEFT)) {
      report(`ends in ${duration(left)}, at ${notAfter}${failure}`, how);
    } else if (lastFailure !== null) {
      report(`could not be renewed${failure}. The present one is good until ${notAfter}`, how);
    }
    if (source === "issued" && certbot === null) {
      report("nothing renews it: certbot has no container", "Run pulumi refresh, then pulumi up.");
    }
    if (served !== "yes" && edge?.state === "running")
      report("the edge does not serve the one that is installed", edgeLog);
  });
}

function judgePostgres({ postgres }: GardenStatus): Problem[] {
  return problemsOf("postgres", (report) => {
    if (postgres === null || postgres.state !== "running") return;
    const { connections, maxConnections } = postgres;
    if (connections === null || maxConnections === null) {
      report("does not answer", "npm run logs -- postgres shows why.");
    } else if (connections >= (maxConnections * CONNECTIONS_PERCENT) / 100) {
      report(
        `has ${connections} of at most ${maxConnections} connections open`,
        "Give bots smaller pools, or raise postgres.maxConnections (that restarts it).",
      );
    }
  });
}

const cleanUp = "On the host, docker builder prune and docker image prune give back what builds left.";

function judgeHost({ memory, disks }: GardenStatus): Problem[] {
  return problemsOf("host", (report) => {
    for (const { mount, usedPercent, inodesPercent, available } of disks) {
      if (usedPercent > DISK_FULL_PERCENT) {
        report(
          `${mount} is ${usedPercent} % full, ${size(available)} are left`,
          `${cleanUp} What takes the rest: docker system df, du -xsh /var/lib/botgarden/*.`,
        );
      }
      if (inodesPercent !== null && inodesPercent > DISK_FULL_PERCENT) {
        report(`${mount} has used ${inodesPercent} % of the files that it can hold`, cleanUp);
      }
    }
    if (memory !== null && memory.available < (memory.total * MEMORY_LEFT_PERCENT) / 100) {
      report(
        `only ${share(memory.available, memory.total)} of memory are left`,
        "Lower what the bots may take (memory in their files), or take a bigger host.",
      );
    }
  });
}
