/** Errors as the engine understands them. */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import { encode, type PropertyMap } from "./values.ts";

/** A method or type that the stand-in doesn't have; the engine sees UNIMPLEMENTED. */
export class NotImplemented extends Error {}

/**
 * A create or update that failed half-way: what exists now is `id` with `state` (laid over the planned state), and
 * the engine keeps it with `reasons` as its initErrors.
 */
export class PartlyDone extends Error {
  readonly id: string;
  readonly state: PropertyMap;
  readonly reasons: readonly string[];
  constructor(id: string, state: PropertyMap, reasons: readonly string[]) {
    super(reasons.join("\n"));
    this.id = id;
    this.state = state;
    this.reasons = reasons;
  }
}

/** The gRPC error of anything thrown: its message, never a stack. */
export function toServiceError(error: unknown): Partial<ServiceError> {
  const details = error instanceof Error ? error.message : String(error);
  return { code: error instanceof NotImplemented ? status.UNIMPLEMENTED : status.UNKNOWN, details };
}

/** The gRPC error that makes the engine keep a half-made resource. */
export function initFailed(
  error: PartlyDone,
  state: PropertyMap,
  inputs: PropertyMap,
): Partial<ServiceError> {
  const detail = new providerPb.ErrorResourceInitFailed()
    .setId(error.id)
    .setProperties(encode(state))
    .setInputs(encode(inputs))
    .setReasonsList([...error.reasons]);
  const packed = new any.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed", "type.googleapis.com/");
  const whole = new statusPb.Status()
    .setCode(status.UNKNOWN)
    .setMessage(error.message)
    .setDetailsList([packed]);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(whole.serializeBinary()));
  return { code: status.UNKNOWN, details: error.message, metadata };
}
