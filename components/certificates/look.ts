import * as pulumi from "@pulumi/pulumi";
import type { StackSettings } from "../../settings/stack.ts";
import type { Connection } from "../host/connection.ts";
import { runOnHost } from "../host/run-on-host.ts";
import { scriptFolder } from "../host/scripts.ts";
import { quote } from "../host/shell.ts";
import { outputOfStack } from "../state.ts";

/** What `certificate look` prints, see certificate.sh. */
interface Facts {
  /** `placeholder` until an authority has issued one; `given` by the operator or the garden's own authority. */
  readonly source: "placeholder" | "issued" | "given";
  readonly issuer: string;
  readonly names: readonly string[];
  readonly serial: string;
  /** ISO 8601. */
  readonly notAfter: string;
  readonly daysLeft: number;
  /** Whether the edge serves this very certificate. */
  readonly served: "yes" | "other" | "no";
  readonly lastFailure: { readonly at: string; readonly reason: string } | null;
  readonly nextTry: string | null;
}

/** What the stack tells about its certificate: `pulumi stack output certificate`. */
export interface CertificateOutput {
  readonly issuer: string;
  readonly names: readonly string[];
  readonly serial: string;
  /** ISO 8601. */
  readonly expires: string;
}

/** The name of the stack's output. */
const OUTPUT = "certificate";

/**
 * Looks at the certificate on the host, since it is renewed there without Pulumi. What is wrong with it becomes a
 * warning. A preview asks nobody and gives what the last `up` saw.
 *
 * @param id the certificate's folder; known once everything is in place
 */
export function certificateOutput(
  id: pulumi.Output<string>,
  connection: Connection,
  { publicName, edge }: StackSettings,
): pulumi.Output<CertificateOutput | undefined> {
  const before = async () => (await outputOfStack(OUTPUT)) as CertificateOutput | undefined;
  if (pulumi.runtime.isDryRun()) return pulumi.output(before());
  return id.apply(async (folder) => {
    const words = ["look", folder, publicName.name, String(edge.httpsPort)];
    const line = `${connection.asRoot}${scriptFolder}/certificate ${words.map(quote).join(" ")}`;
    const { code, stdout, stderr } = await runOnHost(connection, line, "");
    if (code !== 0) {
      await pulumi.log.warn(`the certificate could not be looked at: ${stderr.trim()}`);
      return before();
    }
    const facts: Facts = JSON.parse(stdout);
    for (const text of warnings(facts)) await pulumi.log.warn(text);
    const { issuer, names, serial, notAfter } = facts;
    return { issuer, names, serial, expires: notAfter };
  });
}

function warnings({ source, served, notAfter, daysLeft, lastFailure, nextTry }: Facts): string[] {
  const found: string[] = [];
  if (lastFailure !== null) {
    const next = nextTry === null ? "" : `; the next try is at ${nextTry}`;
    found.push(
      `the certificate could not be renewed at ${lastFailure.at}: ${lastFailure.reason}. The present one is good until ${notAfter}${next}`,
    );
  } else if (daysLeft < 14 && source === "given") {
    found.push(`the certificate ends in ${Math.floor(daysLeft)} days, at ${notAfter}`);
  }
  if (served !== "yes") {
    found.push(
      "the edge does not serve the certificate that is installed: docker logs botgarden-edge says why",
    );
  }
  return found;
}
