/** What the edge takes and from whom. */
import { isIPv4 } from "node:net";
import * as z from "zod";
import { filePathSchema } from "./file-path.ts";
import { isRangeStart } from "./network.ts";
import { wholeNumberOrText } from "./number.ts";
import { rule, setting } from "./schema.ts";

/** The networks from which Telegram calls webhooks (https://core.telegram.org/bots/webhooks). */
const TELEGRAM = ["149.154.160.0/20", "91.108.4.0/22"];
const ANYONE = "0.0.0.0/0";

/** The only ports that Telegram calls (https://core.telegram.org/bots/api#setwebhook). */
const HTTPS_PORTS = [443, 80, 88, 8443];

const httpPort = wholeNumberOrText(
  { from: 1, to: 65535 },
  {
    description:
      "The host's port for plain HTTP, which redirects to HTTPS and answers the ACME server, for which it must be 80. A change replaces the edge.",
    example: "80",
  },
);

const httpsPort = wholeNumberOrText(
  { from: 1, to: 65535 },
  {
    description:
      "The host's port for HTTPS, which Telegram calls. A change replaces the edge and sets every bot's webhook anew.",
    allowed: "443, 80, 88 or 8443, as Telegram calls no other port",
    example: "443",
  },
).check((context) => {
  if (HTTPS_PORTS.includes(context.value)) return;
  context.issues.push({
    code: "custom",
    message: "is a port that Telegram doesn't call",
    input: context.value,
  });
});

const allowFrom = setting(
  z
    .array(
      setting(z.string(), {
        description: "",
        type: "network",
        allowed: 'telegram, any, an IPv4 address or an IPv4 range like "203.0.113.0/24"',
        example: "telegram",
      }).check((context) => {
        const problem = originProblem(context.value);
        if (problem === undefined) return;
        context.issues.push({ code: "custom", message: problem, input: context.value });
      }),
    )
    .min(1)
    .max(100),
  {
    description:
      "Who may call webhooks: `telegram` (Telegram's two networks), `any`, IPv4 addresses and ranges. Others get 403. With a Bot API server of your own it must have its address.",
    type: "list",
    allowed: 'a list of 1 to 100 of telegram, any, IPv4 addresses and ranges like "203.0.113.0/24"',
    example: "telegram",
  },
).transform((origins): string[] => [...new Set(origins.flatMap(networksOf))]);

/** What is wrong with an item of `allowFrom`, in words that follow its path. */
function originProblem(text: string): string | undefined {
  if (text === "telegram" || text === "any" || isIPv4(text)) return undefined;
  const [address = "", prefix = ""] = text.split("/");
  if (!isIPv4(address) || `${address}/${prefix}` !== text || !/^(?:[12]?\d|3[0-2])$/.test(prefix)) {
    return "is not a network";
  }
  return isRangeStart(text) ? undefined : "doesn't start at its first address";
}

function networksOf(origin: string): readonly string[] {
  if (origin === "telegram") return TELEGRAM;
  return [origin === "any" ? ANYONE : origin];
}

const hsts = setting(z.enum(["on", "off", "includeSubDomains"]), {
  description:
    "Whether browsers that were here once use only HTTPS for two years (Strict-Transport-Security). `includeSubDomains` binds every name below the domain too. Not with an IP address.",
  type: "text",
  allowed: "on, off or includeSubDomains",
  example: "on",
  default: "`on` with a domain, `off` with an IP address",
});

const page = filePathSchema({
  description:
    "An HTML file that the edge shows at `/`, of at most 256 KB. Relative to the project unless it starts with `/` or `~/`. Without it `/` answers 404.",
  allowed: "the path of an HTML file",
  example: "page.html",
});

/** The stack's section `edge`. */
export const edgeSchema = rule(
  z.strictObject({
    httpPort: httpPort.prefault(80),
    httpsPort: httpsPort.prefault(443),
    allowFrom: allowFrom.prefault(["telegram"]),
    hsts: hsts.optional(),
    page: page.optional(),
  }),
  {
    path: "httpPort",
    problem: "and edge.httpsPort are the same, but each needs a port of its own",
    fix: "Set one of them with: pulumi config set --path botgarden:edge.httpPort 80",
  },
  ({ httpPort: http, httpsPort: https }) => http !== https,
);

type Section = z.output<typeof edgeSchema>;

/** The edge's settings with every default filled in. */
export interface EdgeSettings extends Omit<Section, "hsts" | "page"> {
  /** Never anything but `off` with an IP address. */
  readonly hsts: NonNullable<Section["hsts"]>;
  /** The path of an HTML file as the user wrote it; its text is in the program's inputs. */
  readonly page?: string;
}

/** The checked section with the defaults that the public name decides. */
export function edgeOf(
  { hsts: wanted, page: file, ...others }: Section,
  kind: "domain" | "ip",
): EdgeSettings {
  return {
    ...others,
    hsts: wanted ?? (kind === "domain" ? "on" : "off"),
    ...(file === undefined ? {} : { page: file }),
  };
}
