/** The edges that are compared, each with all of its bots' routes, and the bots by themselves. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { botPath, botPort, startBots } from "./bots.ts";
import { type Contender, secretOf } from "./contender.ts";
import { addRoute, endless } from "./garden-routes.ts";
import { benchImage } from "./images.ts";
import { type Box, borrowEdge, cpus, hostFolder, startBox, type Workshop } from "./workshop.ts";

const rivals = join(import.meta.dirname, "rivals");

/** What every contender is given. */
export interface Scene {
  readonly workshop: Workshop;
  /** The bots' names, as edges find them. */
  readonly names: readonly string[];
  readonly bots: readonly Box[];
}

function behind(box: Box, { workshop, bots, names }: Scene, name: string): Contender {
  return {
    ...{ name, bots },
    boxes: [box],
    target: (bot) => {
      const called = names[bot] ?? "";
      const address = { address: box.address, port: 443, path: `/webhook/${called}` };
      return { tls: true, ...address, name: workshop.state.domain, secret: secretOf(called) };
    },
  };
}

/** The bots by themselves, in the edge's place: what no edge can do better than. */
export async function botsAlone({ workshop, names }: Scene): Promise<Contender> {
  const alone = await startBots(workshop, { prefix: "alone", count: names.length, cpu: cpus.edge });
  return {
    ...{ name: "the bot alone", boxes: alone, bots: alone },
    target: (bot) => {
      const address = { address: alone[bot]?.address ?? "", port: botPort, path: botPath };
      return { tls: false, ...address, name: workshop.state.domain, secret: undefined };
    },
  };
}

/** The garden's own edge, with everything on. */
export async function gardenEdge(scene: Scene): Promise<Contender> {
  const box = await borrowEdge(scene.workshop);
  for (const bot of scene.names) await addRoute(scene.workshop, bot, { container: bot, rateLimit: endless });
  return behind(box, scene, "botgarden");
}

/** Takes the garden's certificate for the rivals: fullchain.pem, privkey.pem, and both in one file. */
export async function shareCertificate({ engine }: Workshop): Promise<void> {
  const current = "/etc/botgarden/certificates/*/current";
  const folder = `${hostFolder}/tls`;
  await engine.run([
    ...["sh", "-c", `mkdir -p ${folder} && cp ${current}/fullchain.pem ${current}/privkey.pem ${folder}/`],
  ]);
  await engine.run(["sh", "-c", `cat ${folder}/fullchain.pem ${folder}/privkey.pem > ${folder}/both.pem`]);
}

/** Writes a rival's configuration to a folder of the host and gives that folder's path. */
async function configure(
  { engine, folder }: Workshop,
  name: string,
  files: Record<string, string>,
): Promise<string> {
  const local = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(local, file, ".."), { recursive: true });
    writeFileSync(join(local, file), text);
  }
  await engine.copy(local, hostFolder);
  return `${hostFolder}/${name}`;
}

const rivalFile = (name: string): string => readFileSync(join(rivals, name), "utf8");

async function startRival(
  scene: Scene,
  { name, title, files, image, folder, options = [], command = [] }: Rival,
): Promise<Contender> {
  const path = await configure(scene.workshop, name, files);
  const volumes = [`${path}:${folder}:ro`, `${hostFolder}/tls:/tls:ro`].flatMap((volume) => [
    "--volume",
    volume,
  ]);
  const box = await startBox(scene.workshop, {
    ...{ name, image, cpu: cpus.edge, command },
    options: [...volumes, ...options],
  });
  return behind(box, scene, title);
}

interface Rival {
  readonly name: string;
  readonly title: string;
  readonly files: Record<string, string>;
  readonly image: string;
  /** Where it reads its files. */
  readonly folder: string;
  readonly options?: readonly string[];
  /** Default: the image's. */
  readonly command?: readonly string[];
}

/** Requirement 000's nginx, on the garden's image. */
export function requirementEdge(scene: Scene): Promise<Contender> {
  const files = { "nginx.conf": rivalFile("requirement.nginx.conf") };
  return startRival(scene, {
    ...{
      name: "requirement",
      title: "requirement 000",
      files,
      image: scene.workshop.nginx,
      folder: "/garden",
    },
    command: ["nginx", "-c", "/garden/nginx.conf", "-g", "daemon off;"],
  });
}

export async function haproxyEdge(scene: Scene): Promise<Contender> {
  const image = await benchImage("haproxy", scene.workshop.log);
  await scene.workshop.engine.take(image);
  const backends = scene.names.map((bot) => rivalFile("haproxy.backend.cfg").replaceAll("{{bot}}", bot));
  const files = {
    "haproxy.cfg": rivalFile("haproxy.cfg") + backends.join(""),
    "routes.map": scene.names.map((bot) => `/webhook/${bot} ${bot}\n`).join(""),
  };
  return startRival(scene, { name: "haproxy", title: "HAProxy", files, image, folder: "/etc/haproxy" });
}

export async function caddyEdge(scene: Scene): Promise<Contender> {
  const image = await benchImage("caddy", scene.workshop.log);
  await scene.workshop.engine.take(image);
  const routes = scene.names.map((bot) => [
    `routes/${bot}`,
    rivalFile("Caddyfile.route").replaceAll("{{bot}}", bot),
  ]);
  const files = { Caddyfile: rivalFile("Caddyfile"), ...Object.fromEntries(routes) };
  return startRival(scene, {
    ...{ name: "caddy", title: "Caddy", files, image, folder: "/etc/caddy" },
    options: ["--env", "GOMAXPROCS=1"],
  });
}
