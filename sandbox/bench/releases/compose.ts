/** `docker compose up -d --build`: the old container is stopped, then the new one starts. */
import { join } from "node:path";
import { parseStack } from "../../../settings/stack.ts";
import { onHost } from "../../lifecycle/ssh.ts";
import { botName, type Contender, type Site } from "./contender.ts";
import {
  environment,
  makeCertificate,
  rivalRecord,
  setWebhook,
  sync,
  syncBot,
  writeSecretly,
} from "./rival.ts";

const core = "/opt/botgarden-core";
const bot = `/opt/bots/${botName}`;
const files = join(import.meta.dirname, "compose");

export function compose(site: Site): Contender {
  const { host, domain } = site.state;
  const { images } = parseStack({ host: "local", domain });

  /** The steps of a deploy script, each an ssh of its own. */
  const deploy = async (release: string): Promise<void> => {
    await onHost(host, "docker network inspect botgarden >/dev/null 2>&1 || docker network create botgarden");
    await syncBot(site, bot, release);
    await onHost(host, `cd ${bot} && docker compose -f docker-compose.bot.yml up -d --build 2>&1`);
  };

  return {
    name: "compose",
    async plant() {
      const { core: coreEnvironment, bot: botEnvironment } = environment(images, domain);
      await onHost(
        host,
        "docker network inspect botgarden >/dev/null 2>&1 || docker network create botgarden",
      );
      await sync(host, files, core);
      await writeSecretly(host, `${core}/.env`, coreEnvironment);
      const certificate = await makeCertificate(host, `${core}/certificate/${domain}`, domain);
      await onHost(host, `cd ${core} && docker compose up -d 2>&1`);
      await writeSecretly(host, `${bot}/.env`, botEnvironment);
      await onHost(host, `cp ${core}/docker-compose.bot.yml ${bot}/`);
      await deploy("first");
      await setWebhook(site, `https://${domain}/webhook/${botName}`, certificate);
    },
    release: deploy,
    record: (run) => rivalRecord(host, run),
    async uproot() {
      await onHost(host, `cd ${bot} && docker compose -f docker-compose.bot.yml down 2>&1`);
      await onHost(host, `cd ${core} && docker compose down --volumes 2>&1`);
      await onHost(host, `docker network rm botgarden; rm -rf ${core} ${bot}`);
    },
  };
}
