/**
 * `npm run bench -- releases`: the same bot under the same load on the same host, released by `docker compose up` as in
 * many a repository, by a blue-green recipe, and by this garden: what is lost, what is late, how long it takes.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../cli/user-error.ts";
import { cacheFolder } from "../engine/paths.ts";
import { checkout, sandboxIdOf } from "../lifecycle/checkout.ts";
import { copyProject } from "../lifecycle/copy.ts";
import { down } from "../lifecycle/down.ts";
import { partsOf } from "../lifecycle/state.ts";
import { up } from "../lifecycle/up.ts";
import { portFileOf } from "../telegram/background.ts";
import { TelegramClient } from "../telegram/client.ts";
import { blueGreen } from "./releases/blue-green.ts";
import { compose } from "./releases/compose.ts";
import { botName, type Contender, type Site } from "./releases/contender.ts";
import { garden } from "./releases/garden.ts";
import { type LoadOptions, measure, type Result } from "./releases/load.ts";
import { plantRecorder } from "./releases/recorder.ts";
import { prepareRivals } from "./releases/rival.ts";
import { type Kind, kinds, makeSource } from "./releases/source.ts";
import { failureLines, resultTable, verdict } from "./releases/table.ts";

const usage = `usage: npm run bench -- releases [OPTION]
  --releases N   releases of each way (default 5)
  --rate N       updates per second (default 100)
  --chats N      over how many chats (default 20)
  --bot KIND     aiogram, which loads what many bots do (default), or light, which starts at once
  --quiet N      seconds of load between releases (default 5)
  --only NAME    compose, blue-green or botgarden; may be given again`;

const ways: Record<string, (site: Site) => Contender> = {
  compose,
  "blue-green": blueGreen,
  botgarden: garden,
};

/** @returns 1 when the garden lost or refused an update, or took over 1.5 times as long as compose */
export async function run(args: string[]): Promise<number> {
  const { only, kind, load } = readOptions(args);
  const log = (line: string) => console.error(line);
  const workshop = mkdtempSync(join(tmpdir(), "botgarden-bench-"));
  const source = makeSource(join(workshop, botName), kind);
  const project = copyProject(join(cacheFolder("bench"), `${sandboxIdOf(checkout)}-releases`));
  const id = sandboxIdOf(project);
  try {
    rmSync(join(project, "bots"), { recursive: true });
    plantRecorder(project, botName, { source });
    const state = await up({ project, log });
    const telegram = TelegramClient.fromPortFile(portFileOf(partsOf(id).telegram));
    const site: Site = { state, token: await telegram.addBot({ name: botName }), source, log };
    if (only.some((name) => name !== "botgarden")) await prepareRivals(site);
    const results: Result[] = [];
    for (const name of only) {
      const contender = ways[name]?.(site);
      if (contender !== undefined) results.push(await compete(contender, telegram, load, log));
    }
    return report(results, kind);
  } finally {
    await down(id, log);
    rmSync(project, { recursive: true, force: true });
    rmSync(workshop, { recursive: true, force: true });
  }
}

async function compete(
  contender: Contender,
  telegram: TelegramClient,
  load: LoadOptions,
  log: (line: string) => void,
): Promise<Result> {
  log(`${contender.name}: planting`);
  await contender.plant();
  const result = await measure(contender, telegram, load, log);
  log(`${contender.name}: removing`);
  await contender.uproot();
  return result;
}

function report(results: readonly Result[], kind: Kind): number {
  console.log(`\nthe same bot (${kind}), released by each`);
  for (const line of ["", ...resultTable(results), "", ...failureLines(results)]) console.log(line);
  const ours = results.find(({ name }) => name === "botgarden");
  if (ours === undefined) return 0;
  const wrong = verdict(
    ours,
    results.find(({ name }) => name === "compose"),
  );
  for (const line of wrong) console.log(`NOT GOOD ENOUGH: ${line}`);
  return wrong.length === 0 ? 0 : 1;
}

function readOptions(args: string[]): { only: string[]; kind: Kind; load: LoadOptions } {
  const text = { type: "string" } as const;
  const read = () =>
    parseArgs({
      args,
      options: {
        releases: text,
        rate: text,
        chats: text,
        quiet: text,
        bot: text,
        only: { ...text, multiple: true },
      },
    }).values;
  let values: ReturnType<typeof read>;
  try {
    values = read();
  } catch (error) {
    throw new UserError(`${error instanceof Error ? error.message : "wrong options"}\n${usage}`);
  }
  const only = values.only ?? Object.keys(ways);
  const unknown = only.find((name) => ways[name] === undefined);
  if (unknown !== undefined) throw new UserError(`--only: there is no way "${unknown}".\n${usage}`);
  const kind = kinds.find((each) => each === (values.bot ?? "aiogram"));
  if (kind === undefined) throw new UserError(`--bot: there is no kind "${values.bot}".\n${usage}`);
  const number = (name: "releases" | "rate" | "chats" | "quiet", standard: number): number => {
    const given = values[name];
    if (given === undefined) return standard;
    if (/^[1-9]\d{0,3}$/.test(given)) return Number(given);
    throw new UserError(`--${name}: a whole number from 1 to 9999, not "${given}".\n${usage}`);
  };
  return {
    only,
    kind,
    load: {
      releases: number("releases", 5),
      rate: number("rate", 100),
      chats: number("chats", 20),
      quiet: number("quiet", 5),
    },
  };
}
