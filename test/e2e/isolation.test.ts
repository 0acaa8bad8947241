import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Garden } from "./support/garden.ts";

describe("what a bot can reach, and what it may do", () => {
  let garden: Garden;
  let hello: string;
  let second: string;

  beforeAll(async () => {
    garden = new Garden();
    await garden.addToken("second");
    cpSync(join(garden.project, "bots/hello.ts"), join(garden.project, "bots/second.ts"));
    await garden.up();
    const containers = await garden.containers();
    hello = containers.find((name) => name.startsWith("hello-")) ?? "";
    second = containers.find((name) => name.startsWith("second-")) ?? "";
  });
  afterAll(async () => {
    rmSync(join(garden.project, "bots/second.ts"));
    await garden.up();
  });

  /** Tries to connect from inside hello's container. */
  async function connects(host: string, port: number): Promise<boolean> {
    const code = `import socket,sys\ntry:\n  socket.create_connection((sys.argv[1],int(sys.argv[2])),5);print("open")\nexcept OSError: print("closed")`;
    return (await garden.onHost(`docker exec -i ${hello} python3 - ${host} ${port}`, code)).trim() === "open";
  }

  test("Postgres can be reached, by name", async () => {
    expect(await connects("botgarden-postgres", 5432)).toBe(true);
  });

  test("another bot cannot, nor can the edge from inside", async () => {
    const address = await garden.onHost(
      `docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' ${second}`,
    );
    expect(await connects(address.trim(), 8080)).toBe(false);
    expect(await connects("botgarden-edge", 443)).toBe(false);
  });

  test("its password opens its own database and no other, and only over TLS", async () => {
    const login = (database: string, mode: string) =>
      garden.onHost(
        `docker exec ${hello} sh -c 'echo "$POSTGRES_PASSWORD"' | docker exec -i botgarden-postgres sh -c ` +
          `'read -r PGPASSWORD; export PGPASSWORD; psql "host=$(hostname -i) user=hello dbname=${database} sslmode=${mode}" -Atc "SELECT current_database()" 2>&1 || true'`,
      );
    expect((await login("hello", "require")).trim()).toBe("hello");
    for (const database of ["second", "postgres", "template1"]) {
      expect(await login(database, "require")).toMatch(/rejects connection|no pg_hba.conf entry|pg_hba/);
    }
    expect(await login("hello", "disable")).toMatch(/pg_hba/);
  });

  test("its role can do nothing beyond its own database", async () => {
    const role = await garden.onHost(
      "docker exec -u postgres botgarden-postgres psql -Atd postgres -c " +
        `"SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolconnlimit FROM pg_roles WHERE rolname = 'hello'"`,
    );
    expect(role.trim()).toBe("f|f|f|f|f|5");
  });

  test("it runs without root, capabilities, host ports or a way to gain privileges, within limits", async () => {
    const [container] = JSON.parse(await garden.onHost(`docker inspect ${hello}`)) as [Inspected];
    const { HostConfig: host, Config: config } = container;
    expect(config.User).not.toMatch(/^(root|0)?(:|$)/);
    expect(host.CapDrop).toEqual(["ALL"]);
    expect(host.CapAdd ?? []).toEqual([]);
    expect(host.SecurityOpt).toContain("no-new-privileges:true");
    expect(host.PortBindings ?? {}).toEqual({});
    expect(host.Memory).toBe(256 * 1024 * 1024);
    expect(host.MemorySwap).toBe(host.Memory);
    expect(host.PidsLimit).toBe(256);
    expect(host.NanoCpus).toBe(1e9);
    expect(host.RestartPolicy.Name).toBe("unless-stopped");
    expect(host.LogConfig).toEqual({ Type: "json-file", Config: { "max-file": "3", "max-size": "10m" } });
    expect(config.Healthcheck.Test.length).toBeGreaterThan(0);
  });

  test("the host listens on SSH, HTTP and HTTPS only", async () => {
    const lines = await garden.onHost("ss -Hltn | awk '{print $4}'");
    const ports = lines.split("\n").filter((line) => line !== "" && !line.startsWith("127.0.0."));
    expect([...new Set(ports.map((line) => line.replace(/^.*:/, "")))].sort()).toEqual(["22", "443", "80"]);
  });
});

interface Inspected {
  Config: { User: string; Healthcheck: { Test: string[] } };
  HostConfig: {
    CapDrop: string[];
    CapAdd: string[] | null;
    SecurityOpt: string[];
    PortBindings: Record<string, unknown> | null;
    Memory: number;
    MemorySwap: number;
    PidsLimit: number;
    NanoCpus: number;
    RestartPolicy: { Name: string };
    LogConfig: { Type: string; Config: Record<string, string> };
  };
}
