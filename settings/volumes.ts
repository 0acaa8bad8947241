/** The volumes of a bot. */
import * as z from "zod";
import { setting } from "./schema.ts";

const CONTAINER_PATH = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/;
const SYSTEM_PATH = /^\/(?:proc|sys|dev|etc|bin|sbin|lib|lib64|usr|boot|run)(?:\/|$)/;

/** A bot's section `volumes`: name → absolute path in the container. */
export const volumesSchema = z
  .record(
    z.string(),
    setting(z.string().max(200).regex(CONTAINER_PATH), {
      description: "",
      type: "text",
      allowed: 'an absolute path in the container, like "/data", and none of the system\'s own folders',
      example: '"/data"',
    }).check((context) => {
      if (!SYSTEM_PATH.test(context.value)) return;
      context.issues.push({
        code: "custom",
        message: "is one of the system's own folders",
        input: context.value,
      });
    }),
  )
  .meta({
    description:
      "Volumes that outlive the container: their names, and where the bot finds them. A bot with volumes is stopped before its next release starts, as two containers must not write one file.",
    type: "object of texts",
    allowed: "an object with an absolute path in the container for each volume's name",
    example: '{ data: "/data" }',
  })
  .check((context) => {
    const paths = Object.values(context.value);
    for (const [index, name] of Object.keys(context.value).entries()) {
      const push = (message: string, fix: string): void => {
        context.issues.push({ code: "custom", message, path: [name], params: { fix }, input: name });
      };
      if (!/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
        push("has a name that is not allowed", "Names are 1 to 32 lower-case letters, digits and hyphens.");
      } else if (paths.indexOf(paths[index] ?? "") < index) {
        push("has the same path as another volume", "Give each volume a path of its own.");
      }
    }
  });
