/** The status as lines for a terminal. */
import { shortImage, unpin } from "../settings/pins.ts";
import { isHeld, isStopped, unmeantError } from "./held.ts";
import type { Problem } from "./problem.ts";
import type { BotStatus, ContainerStatus, GardenStatus } from "./status-of.ts";
import { type Cell, type Paint, table } from "./table.ts";
import { PENDING_UPDATES, RECENT_ERROR, RECENT_RESTART } from "./thresholds.ts";
import { count, duration, secondsBetween, share, size } from "./words.ts";

/**
 * The tables and lines of a garden, then what is wrong with it.
 *
 * @param pins the stack's pins, image ids by bot
 */
export function reportLines(
  status: GardenStatus,
  problems: readonly Problem[],
  paint: Paint,
  pins: Readonly<Record<string, string>> = {},
): string[] {
  return [
    ...[...botLines(status, paint), "", ...gardenLines(status), ""],
    ...heldLines(status, pins),
    ...problemLines(problems, paint),
  ];
}

function botLines({ bots, time }: GardenStatus, paint: Paint): string[] {
  if (bots.length === 0) return ["there are no bots"];
  const heading = [
    "bot",
    "release",
    "since",
    "health",
    "restarts",
    "memory",
    "webhook",
    "waiting",
    "last error",
    "database",
    "connections",
  ];
  return table([heading, ...bots.map((bot) => botRow(bot, time))], paint);
}

function botRow(bot: BotStatus, time: string): Cell[] {
  const { name, release, webhook, database } = bot;
  const { pending } = webhook;
  return [
    name,
    release?.container ?? bad("gone"),
    release === null ? "" : duration(secondsBetween(release.created, time)),
    release === null ? "" : isStopped(bot) ? quiet("held") : healthOf(release),
    release === null ? "" : restartsOf(release, time),
    release === null ? "" : memoryOf(release),
    webhookOf(bot),
    // Telegram has a number for a bot that polls too, but only as a guess.
    pending === null
      ? "?"
      : pending > PENDING_UPDATES && !isHeld(bot, time)
        ? bad(String(pending))
        : String(pending),
    errorOf(bot, time),
    database === null ? (bot.wantsDatabase ? bad("?") : quiet("none")) : size(database.bytes),
    database === null ? "" : ofLimit(database.connections, database.limit),
  ];
}

function bad(text: string): Cell {
  return { text, tone: "bad" };
}

function quiet(text: string): Cell {
  return { text, tone: "quiet" };
}

function healthOf({ state, health }: ContainerStatus): Cell {
  if (state !== "running") return bad(state);
  if (health === "unhealthy") return bad(health);
  if (health === "none") return quiet("no check");
  return health === "healthy" ? { text: health, tone: "good" } : health;
}

function restartsOf({ restarts, started }: ContainerStatus, time: string): Cell {
  return restarts > 0 && secondsBetween(started, time) < RECENT_RESTART
    ? bad(String(restarts))
    : String(restarts);
}

function memoryOf({ memory, memoryLimit }: ContainerStatus): string {
  if (memory === null) return "";
  return memoryLimit === null ? size(memory) : share(memory, memoryLimit);
}

function webhookOf({ webhook, paused }: BotStatus): Cell {
  if (webhook.failure !== null) return bad("?");
  if (webhook.right === false) {
    if (webhook.wanted === null) return bad("set, but polls");
    return bad(webhook.url === "" ? "missing" : "another");
  }
  if (paused) return quiet("paused");
  return webhook.wanted === null ? "polls" : "right";
}

function errorOf(bot: BotStatus, time: string): Cell {
  const { lastError } = bot.webhook;
  if (lastError === null) return quiet("none");
  const since = secondsBetween(lastError.at, time);
  const text = `${duration(since)} ago`;
  return since < RECENT_ERROR && unmeantError(bot) !== null ? bad(text) : text;
}

function ofLimit(number: number, limit: number | null): string {
  return limit === null ? String(number) : `${number} of ${limit}`;
}

function gardenLines(status: GardenStatus): string[] {
  const { edge, postgres, certbot, memory, disks, docker, host } = status;
  const parts: [name: string, text: string][] = [
    ["edge", edge === null ? "no container" : containerWords(edge, status.time)],
    ["certificate", certificateWords(status)],
    ["postgres", postgres === null ? "no container" : postgresWords(postgres, status.time)],
    ...(certbot === null
      ? []
      : [["certbot", containerWords(certbot, status.time)] satisfies [string, string]]),
    ["disk", disks.map(diskWords).join("; ")],
    [
      "host",
      [
        host,
        ...(memory === null ? [] : [`${share(memory.available, memory.total)} of memory left`]),
        `Docker ${docker}`,
      ].join(", "),
    ],
  ];
  const width = Math.max(...parts.map(([name]) => name.length));
  return parts.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}

function containerWords(container: ContainerStatus, time: string): string {
  const { state, health, started, restarts, image } = container;
  const running = health === "none" ? "running" : health;
  return [
    state === "running" ? `${running}, up for ${duration(secondsBetween(started, time))}` : state,
    memoryOf(container),
    restarts === 0 ? "" : `restarted ${count(restarts, "time")}`,
    image.name ?? "",
  ]
    .filter((text) => text !== "")
    .join(", ");
}

function certificateWords({ certificate, time }: GardenStatus): string {
  if (certificate === null) return "not known";
  const { source, issuer, notAfter, served } = certificate;
  const from = source === "placeholder" ? "a placeholder, none was issued" : `from ${issuer}`;
  const left = secondsBetween(time, notAfter);
  const end = left > 0 ? `good for ${duration(left)}, until ${notAfter}` : `ended at ${notAfter}`;
  return `${from}, ${end}${served === "yes" ? "" : ", not served"}`;
}

function postgresWords(postgres: NonNullable<GardenStatus["postgres"]>, time: string): string {
  const { version, connections, maxConnections } = postgres;
  const open =
    connections === null ? "does not answer" : `${ofLimit(connections, maxConnections)} connections`;
  return `${version === null ? "" : `${version}, `}${containerWords(postgres, time)}, ${open}`;
}

function diskWords({ mount, usedPercent, available }: GardenStatus["disks"][number]): string {
  return `${mount} ${usedPercent} % full, ${size(available)} left`;
}

/** No problems, but nothing that may be forgotten. */
function heldLines({ bots }: GardenStatus, pins: Readonly<Record<string, string>>): string[] {
  const paused = bots.filter((bot) => bot.paused).map(({ name }) => name);
  return [
    ...paused.map((name) => `${name} is paused. To end it: npm run resume -- ${name}`),
    ...Object.entries(pins).map(
      ([name, image]) =>
        `${name} is pinned to ${shortImage(image)}. When its code is right: ${unpin(name)} && pulumi up`,
    ),
  ];
}

function problemLines(problems: readonly Problem[], paint: Paint): string[] {
  if (problems.length === 0) return [paint("all is well", "good")];
  const title = problems.length === 1 ? "one thing is wrong:" : `${problems.length} things are wrong:`;
  return [
    paint(title, "bad"),
    ...problems.flatMap(({ about, text, next }) => [`  ${about}: ${text}`, `    ${next}`]),
  ];
}
