/** Rules between several sections of the stack's settings. */
import type * as z from "zod";
import { certificateSchema, sourceOf } from "./certificate.ts";
import { edgeSchema } from "./edge.ts";
import type { Fault } from "./fault.ts";
import { tagOf } from "./image.ts";
import type { Place } from "./issues.ts";
import { HIDDEN, shown } from "./shown.ts";
import { imagesSchema } from "./stack-schema.ts";

/** What the rules look at; undefined where it is missing or has a fault of its own. */
interface Parts {
  readonly kind: "domain" | "ip" | undefined;
  readonly domain: unknown;
  readonly source: ReturnType<typeof sourceOf> | undefined;
  readonly certificate: z.output<typeof certificateSchema> | undefined;
  readonly edge: z.output<typeof edgeSchema> | undefined;
  readonly images: z.output<typeof imagesSchema> | undefined;
}

interface Finding {
  readonly path: readonly string[];
  readonly problem: string;
  readonly got?: string;
  readonly fix: string;
}

/**
 * The faults between sections. A section with faults of its own is left out, so that a run lists every fault and
 * none that follows from another.
 */
export function crossFaults(values: Readonly<Record<string, unknown>>, place: Place): Fault[] {
  const kind = kindOf(values);
  const certificate = certificateSchema.safeParse(values.certificate ?? {}).data;
  const parts: Parts = {
    ...{ kind, certificate, domain: values.domain },
    source: certificate && kind && sourceOf(certificate, kind),
    edge: edgeSchema.safeParse(values.edge ?? {}).data,
    images: imagesSchema.safeParse(values.images ?? {}).data,
  };
  const findings = [extraDomains, ownDomain, challengePort, hsts, certbotVersion].map((rule) => rule(parts));
  return findings
    .filter((finding) => finding !== undefined)
    .map(({ path, got, ...words }) => {
      const safe = got !== undefined && place.isSecret?.(path) === true ? HIDDEN : got;
      return { ...words, where: place.where, path: place.path(path), got: safe };
    });
}

/** Undefined if there is no public name, or two. */
function kindOf(values: Readonly<Record<string, unknown>>): Parts["kind"] {
  const hasDomain = Object.hasOwn(values, "domain");
  if (hasDomain === Object.hasOwn(values, "ip")) return undefined;
  return hasDomain ? "domain" : "ip";
}

function extraDomains({ kind, certificate }: Parts): Finding | undefined {
  if (kind !== "ip" || certificate === undefined || certificate.extraDomains.length === 0) return undefined;
  return {
    path: ["certificate", "extraDomains"],
    problem: "are given, but the certificate of a garden with an IP address is for this address alone",
    fix: "Remove them with: pulumi config rm --path botgarden:certificate.extraDomains",
  };
}

function ownDomain({ domain, certificate }: Parts): Finding | undefined {
  const index = certificate?.extraDomains.indexOf(String(domain)) ?? -1;
  if (index < 0) return undefined;
  return {
    path: ["certificate", "extraDomains"],
    problem: "have the garden's own domain among them, which is in the certificate anyway",
    fix: `Remove it with: pulumi config rm --path 'botgarden:certificate.extraDomains[${index}]'`,
  };
}

function challengePort({ source, edge }: Parts): Finding | undefined {
  if (source !== "acme" || edge === undefined || edge.httpPort === 80) return undefined;
  return {
    path: ["edge", "httpPort"],
    problem: "is not 80, where an ACME server asks whether the name is yours",
    got: shown(edge.httpPort),
    fix: "Set it with: pulumi config set --path botgarden:edge.httpPort 80, or do without ACME: pulumi config set --path botgarden:certificate.source private",
  };
}

function hsts({ kind, edge }: Parts): Finding | undefined {
  if (kind !== "ip" || edge?.hsts === undefined || edge.hsts === "off") return undefined;
  return {
    path: ["edge", "hsts"],
    problem: "is for a domain only, as browsers ignore it for an IP address",
    got: shown(edge.hsts),
    fix: "Remove it with: pulumi config rm --path botgarden:edge.hsts",
  };
}

/** certbot learned `--preferred-profile` in 4.0, and `--ip-address` with `--webroot` in 5.4 (its CHANGELOG.md). */
function certbotVersion({ kind, source, certificate, images }: Parts): Finding | undefined {
  if (source !== "acme" || images === undefined) return undefined;
  const [needed, what] =
    kind === "ip"
      ? [[5, 4] as const, "a certificate for an IP address"]
      : [[4, 0] as const, "certificate.profile"];
  if (kind !== "ip" && certificate?.profile === undefined) return undefined;
  if (!isOlder(images.certbot, needed)) return undefined;
  return {
    path: ["images", "certbot"],
    problem: `is too old for ${what}, which needs certbot ${needed.join(".")} or newer`,
    got: shown(images.certbot),
    fix: "Set it with: pulumi config set --path botgarden:images.certbot certbot/certbot:v5.5.0",
  };
}

/** True if the image's tag tells an older version, like `v2.10.0` or `arm64v8-v2.10.0`; without one it counts as new. */
function isOlder(image: string, [major, minor]: readonly [number, number]): boolean {
  const match = /(?:^|-)v?(\d{1,3})\.(\d{1,3})(?:[.-]|$)/.exec(tagOf(image) ?? "");
  if (match === null) return false;
  return Number(match[1]) * 1000 + Number(match[2]) < major * 1000 + minor;
}
