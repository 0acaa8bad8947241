/** What an error of Create or Update says of a resource that was half made. */
import type { ServiceError } from "@grpc/grpc-js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import { decode, type PropertyMap } from "../../../sandbox/plugins/framework/values.ts";

/** A half-made resource, as the engine keeps it. */
export interface HalfMade {
  readonly id: string;
  readonly state: PropertyMap;
  readonly reasons: readonly string[];
}

/** Waits for a step to fail half-way. Throws when it succeeds, or fails without leaving anything. */
export async function halfMadeBy(step: Promise<unknown>): Promise<HalfMade> {
  const error = await step.then(
    () => undefined,
    (reason: unknown) => reason as ServiceError,
  );
  const packed = error?.metadata.get("grpc-status-details-bin")[0];
  if (!Buffer.isBuffer(packed)) throw new Error(`nothing was half made: ${error?.details ?? "it succeeded"}`);
  const detail = statusPb.Status.deserializeBinary(packed).getDetailsList()[0];
  const left = providerPb.ErrorResourceInitFailed.deserializeBinary(
    detail?.getValue_asU8() ?? new Uint8Array(),
  );
  return { id: left.getId(), state: decode(left.getProperties()), reasons: left.getReasonsList() };
}
