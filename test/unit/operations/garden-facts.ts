/** Facts of a garden in which all is well, to be changed one by one. */
import type {
  CertificateFacts,
  ContainerFacts,
  GardenFacts,
  TelegramAnswer,
  WebhookInfo,
} from "../../../operations/facts.ts";

/** The host's clock in these facts. */
export const now = "2026-11-21T12:00:00.000Z";

/** A moment before it, ISO 8601. */
export function ago(seconds: number): string {
  return new Date(Date.parse(now) - seconds * 1000).toISOString();
}

const day = 86_400;
const MB = 2 ** 20;

export function container(changes: Partial<ContainerFacts> = {}): ContainerFacts {
  return {
    name: "hello-0a1b2c3",
    stack: "prod",
    part: "bot",
    bot: "hello",
    image: "sha256:1111",
    state: "running",
    exitCode: 0,
    outOfMemory: false,
    health: "healthy",
    restarts: 0,
    created: ago(3 * day),
    started: ago(2 * 3600),
    finished: "0001-01-01T00:00:00Z",
    memoryLimit: 256 * MB,
    webhookUrl: "https://bots.example.com/webhook/hello",
    wantsDatabase: true,
    serving: true,
    ...changes,
  };
}

export function core(part: "edge" | "postgres" | "certbot", changes: Partial<ContainerFacts> = {}) {
  return container({
    name: `botgarden-${part}`,
    part,
    bot: null,
    image: "sha256:2222",
    webhookUrl: null,
    wantsDatabase: false,
    health: part === "certbot" ? "none" : "healthy",
    ...changes,
  });
}

export function answer(changes: Partial<WebhookInfo> = {}): TelegramAnswer {
  return {
    status: 200,
    error: "",
    description: null,
    info: {
      url: "https://bots.example.com/webhook/hello",
      has_custom_certificate: false,
      pending_update_count: 0,
      max_connections: 40,
      ip_address: "203.0.113.5",
      ...changes,
    },
  };
}

export function certificate(changes: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    source: "issued",
    issuer: "CN=YE1, O=Let's Encrypt",
    names: ["bots.example.com"],
    serial: "01",
    notBefore: ago(30 * day),
    notAfter: ago(-60 * day),
    served: "yes",
    lastFailure: null,
    nextTry: null,
    ...changes,
  };
}

export function garden(changes: Partial<GardenFacts> = {}): GardenFacts {
  return {
    docker: { state: "ok", version: "26.1.5" },
    now: Date.parse(now) / 1000,
    memory: { total: 4096 * MB, available: 1024 * MB },
    disks: [{ mount: "/", size: 80e9, available: 40e9, usedPercent: 50, inodesPercent: 5 }],
    containers: [container(), core("edge"), core("postgres"), core("certbot")],
    usage: { "hello-0a1b2c3": 100 * MB, "botgarden-edge": 7 * MB, "botgarden-postgres": 60 * MB },
    images: { "sha256:1111": "botgarden/hello:latest", "sha256:2222": null },
    routes: { hello: "hello-0a1b2c3" },
    paused: [],
    resumed: {},
    uploaded: false,
    webhooks: { hello: answer() },
    postgres: {
      version: "18.6 (Debian 18.6-3)",
      maxConnections: 60,
      connections: 4,
      databases: { hello: { bytes: 8 * MB, connections: 2, limit: 5 } },
    },
    certificate: certificate(),
    ...changes,
  };
}
