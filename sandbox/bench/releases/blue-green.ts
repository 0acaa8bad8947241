/** The blue-green recipe: the other colour beside the old one, health check, the host's nginx switched and reloaded. */
import { join } from "node:path";
import { parseStack } from "../../../settings/stack.ts";
import { onHost } from "../../lifecycle/ssh.ts";
import type { Contender, Site } from "./contender.ts";
import {
  environment,
  makeCertificate,
  rivalRecord,
  setWebhook,
  sync,
  syncBot,
  writeSecretly,
} from "./rival.ts";

const folder = "/opt/bot";
const files = join(import.meta.dirname, "blue-green");

export function blueGreen(site: Site): Contender {
  const { host, domain } = site.state;
  const { images } = parseStack({ host: "local", domain });
  const release = async (name: string): Promise<void> => {
    await syncBot(site, folder, name);
    await onHost(host, `${folder}/release.sh 2>&1`);
  };
  return {
    name: "blue-green",
    async plant() {
      const { core, bot } = environment(images, domain);
      await onHost(
        host,
        "docker network inspect botgarden >/dev/null 2>&1 || docker network create botgarden",
      );
      await sync(host, files, folder);
      await writeSecretly(host, `${folder}/postgres.env`, core);
      await writeSecretly(host, `${folder}/.env`, bot);
      const certificate = await makeCertificate(host, `${folder}/certificate`, domain);
      await onHost(
        host,
        "DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends nginx >/dev/null",
      );
      await onHost(
        host,
        `cd ${folder} && docker compose --env-file postgres.env -f docker-compose.postgres.yml up -d 2>&1 && ` +
          "echo 'upstream bot { server 127.0.0.1:8080; }' >/etc/nginx/bot-upstream.conf && " +
          `cp nginx.conf /etc/nginx/conf.d/bot.conf && nginx -s reload`,
      );
      await release("first");
      await setWebhook(site, `https://${domain}/webhook`, certificate);
    },
    release,
    record: (run) => rivalRecord(host, run),
    async uproot() {
      await onHost(
        host,
        `cd ${folder} && docker compose -f "docker-compose.$(cat colour).yml" down 2>&1 && ` +
          `docker compose --env-file postgres.env -f docker-compose.postgres.yml down --volumes 2>&1`,
      );
      await onHost(
        host,
        "DEBIAN_FRONTEND=noninteractive apt-get -qq purge -y nginx nginx-common >/dev/null 2>&1; " +
          `docker network rm botgarden; rm -rf ${folder} /etc/nginx`,
      );
    },
  };
}
