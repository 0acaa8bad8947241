/** Controls an ACME authority of the sandbox that runs in another process. */
import { readFileSync } from "node:fs";
import { type ControlAddress, callControl } from "../engine/control.ts";
import type { AcmeControl, CertificateSeen, Counts, Mode, OrderSeen, Roots } from "./control-api.ts";

/** What the front writes into its port file when it listens. */
export interface PortFile extends ControlAddress {
  /** The ACME directory, as clients in the sandbox's network and on its hosts are given it. */
  readonly directoryUrl: string;
}

/** Reads a port file. @throws Error when there is none: the authority doesn't run */
export function readPortFile(file: string): PortFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new Error(`the ACME authority doesn't run: there is no port file ${file}; start the sandbox`);
  }
  const ports: PortFile = JSON.parse(text);
  return ports;
}

export class AcmeClient implements AcmeControl {
  readonly directoryUrl: string;
  readonly #address: ControlAddress;

  constructor({ directoryUrl, controlUrl, controlKey }: PortFile) {
    this.directoryUrl = directoryUrl;
    this.#address = { controlUrl, controlKey };
  }

  /** The client of the authority whose front wrote this port file. */
  static fromPortFile(file: string): AcmeClient {
    return new AcmeClient(readPortFile(file));
  }

  setMode(order: { mode: Mode; retryAfter?: number }): Promise<void> {
    return this.#call("setMode", order);
  }

  counts(): Promise<Counts> {
    return this.#call("counts");
  }

  orders(): Promise<OrderSeen[]> {
    return this.#call("orders");
  }

  certificates(): Promise<CertificateSeen[]> {
    return this.#call("certificates");
  }

  roots(): Promise<Roots> {
    return this.#call("roots");
  }

  renewAll(): Promise<void> {
    return this.#call("renewAll");
  }

  reset(): Promise<void> {
    return this.#call("reset");
  }

  #call<T>(name: keyof AcmeControl, order: object = {}): Promise<T> {
    return callControl(this.#address, name, order, "the ACME authority");
  }
}
