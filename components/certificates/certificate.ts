import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";

/** The certificate of the garden's name, wherever it comes from. */
export interface Certificate {
  /**
   * The name of its folder on the host, eight hex digits that follow from the settings: certificates of former and
   * present settings lie beside each other.
   */
  readonly id: string;
  /** Every name that it holds, the public one first. */
  readonly names: readonly string[];
  /** PEM to upload with setWebhook; undefined if Telegram trusts the certificate as it is. */
  readonly upload: pulumi.Output<string> | undefined;
  /** Something that can be served is in the folder: the certificate or, until it was issued, a placeholder. */
  readonly installed: pulumi.Resource;
}

/** The folder's name for a certificate of these settings. */
export function certificateId(...settings: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(settings)).digest("hex").slice(0, 8);
}
