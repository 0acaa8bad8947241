import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { BotSettings } from "../../settings/bot.ts";
import { renderRoute } from "../edge/config.ts";
import type { Edge } from "../edge/edge.ts";
import type { Host } from "../host/host.ts";
import { gateDeadline } from "./health.ts";

/**
 * The gate of a release and the switch of its route, in one command on the host: the route names the container, so
 * that the old release has the updates until the new one is healthy.
 */
export function release(
  bot: BotSettings,
  container: docker.Container,
  garden: { readonly host: Host; readonly edge: Edge },
  options: { parent: pulumi.Resource },
): pulumi.Resource {
  const { name, updates } = bot;
  const { edge, host } = garden;
  const route =
    updates.kind === "webhook"
      ? container.name.apply((containerName) =>
          renderRoute({
            bot: name,
            container: containerName,
            port: updates.port,
            path: updates.path,
            maxConnections: updates.maxConnections,
          }),
        )
      : null;
  return host.command(
    `${name}-release`,
    {
      run: ["bot-release", "switch", name, container.name],
      remove: ["bot-release", "withdraw", name],
      input: {
        processes: bot.processes,
        port: updates.kind === "webhook" ? updates.port : null,
        deadline: gateDeadline(bot),
        route,
      },
    },
    { parent: options.parent, dependsOn: [container, edge.ready] },
  );
}
