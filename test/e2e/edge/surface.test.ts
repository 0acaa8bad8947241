import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { botNames, type EdgeBot, EdgeGarden } from "../support/edge-bots.ts";
import { eventually } from "../support/eventually.ts";
import { exchange, post, type RawRequest } from "../support/raw-request.ts";
import { joinStrangers, type Strangers } from "../support/strangers.ts";

describe("what the edge shows, and to whom", () => {
  let garden: EdgeGarden;
  let steady: EdgeBot;
  let strangers: Strangers;
  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
    steady = await garden.bot("steady");
    strangers = await joinStrangers(garden.state.host);
  });
  afterAll(() => strangers?.leave());

  interface Get extends Partial<RawRequest> {
    readonly host?: string;
    /** Whole lines. */
    readonly headers?: string;
  }
  const get = (path: string, { host = "garden.test", headers = "", ...connection }: Get = {}) =>
    exchange({
      address: garden.address,
      bytes: `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`,
      ...connection,
    });

  test("people get headers that protect them, and nobody learns nginx's version", async () => {
    const { text } = await get("/");
    expect(text).toMatch(/^strict-transport-security: max-age=63072000\r$/im);
    expect(text).toMatch(/^x-content-type-options: nosniff\r$/im);
    expect(text).toMatch(/^referrer-policy: /im);
    for (const answer of [
      text,
      (await get("/nowhere")).text,
      (await get("/", { tls: false, port: 80 })).text,
    ]) {
      expect(answer).toMatch(/^server: nginx\r$/im);
      expect(answer).not.toMatch(/nginx\/\d/);
    }
  });

  test("another name is answered by nobody", async () => {
    for (const host of ["other.test", garden.address, "localhost"]) {
      const { statuses, text } = await get("/healthz", { host });
      if (statuses.length > 0) expect(statuses).toEqual([421]);
      expect(text).not.toMatch(/welcome|ok/i);
      expect((await get("/", { host, tls: false, port: 80 })).statuses).toEqual([]);
    }
  });

  test("its status is for the host alone", async () => {
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const inside = (await garden.onHost(`docker inspect -f '${format}' botgarden-edge`)).trim();
    expect(await garden.onHost(`curl -fsS http://${inside}:8080/status`)).toMatch(/^Active connections: \d+/);
    expect(await garden.onHost(`curl -fsS http://${inside}:8080/healthz`)).toBe("ok\n");
    for (const path of ["/status", "/nginx_status", "/stub_status", "/basic_status"]) {
      expect((await get(path)).statuses).toEqual([404]);
    }
    expect((await get("/status", { tls: false, port: 8080 })).error).toBe("ECONNREFUSED");
    const code = `import socket\ntry: socket.create_connection(("${inside}", 8080), 1); print("open")\nexcept OSError: print("closed")`;
    const tried = await garden.onHost(`docker exec -i ${steady.container} python3 -`, code);
    expect(tried.trim(), "from a bot").toBe("closed");
  });

  test("a bot's pages are for everybody, compressed, with the caller's true address", async () => {
    await steady.forget();
    const headers = "Accept-Encoding: gzip\r\nX-Forwarded-For: 149.154.160.1\r\n";
    const { statuses, text } = await get("/shop/cart?item=1", {
      headers,
      address: strangers.host,
      from: strangers.own,
    });
    expect(statuses).toEqual([200]);
    expect(text).toMatch(/^content-encoding: gzip\r$/im);
    const { requests } = await steady.record();
    expect(requests).toMatchObject([{ port: 8081, line: "GET /shop/cart?item=1 HTTP/1.1" }]);
    const forwarded = requests[0]?.headers.filter(([name]) => name === "x-forwarded-for");
    expect(forwarded).toEqual([["x-forwarded-for", strangers.own]]);
    for (const path of ["/shopping", "/shop.html", "/SHOP", "/xshop"]) {
      expect((await get(path)).statuses, path).toEqual([404]);
    }
  });

  test("the way to a bot's pages leads to nothing else of the bot", async () => {
    await steady.forget();
    // Some programs look only at how a path begins: these begin with the path at which the bot takes updates.
    const detours = ["/updates/../shop", "/updates/%2e%2e/shop", "//updates/../shop", "/updates/..%2fshop"];
    const others = [
      "/shop/../updates",
      "/shop/%2e%2e/updates",
      "/shop/..%2fupdates",
      "/shop/.%2e/updates",
      "/updates",
    ];
    for (const path of [...detours, ...others]) {
      const bytes = post({ path, secret: undefined });
      const { statuses } = await exchange({ address: garden.address, bytes });
      expect([400, 404], path).toContain(statuses[0]);
    }
    expect((await steady.record()).requests).toEqual([]);
  });

  test("a webhook's answer is not compressed", async () => {
    const bytes = post({ path: steady.path, secret: steady.secret, headers: ["Accept-Encoding: gzip"] });
    const { statuses, text } = await exchange({ address: garden.address, bytes });
    expect(statuses).toEqual([200]);
    expect(text).not.toMatch(/content-encoding/i);
  });

  test("the log is JSON, a line a request, without secrets or queries; Docker keeps it small", async () => {
    const secrets = await Promise.all(botNames.map(async (name) => (await garden.bot(name)).secret));
    const mark = `/mark-${Date.now()}`;
    await get(`${mark}?password=hunter2`, { headers: 'User-Agent: "quoted\\\r\n' });
    const log = () => garden.onHost("docker logs --tail 2000 botgarden-edge 2>&1");
    await eventually(async () => expect(await log()).toContain(mark));
    const text = await log();
    for (const secret of [...secrets, "hunter2"]) expect(text.includes(secret)).toBe(false);
    const lines = text.split("\n").filter((line) => line.startsWith("{"));
    const entries: Record<string, unknown>[] = lines.map((line) => JSON.parse(line));
    expect(entries.find(({ path }) => path === mark)).toMatchObject({
      host: "garden.test",
      method: "GET",
      status: 404,
      client: garden.address.replace(/\d+$/, "1"),
    });
    const format = "{{.HostConfig.LogConfig.Type}} {{json .HostConfig.LogConfig.Config}}";
    expect(await garden.onHost(`docker inspect -f '${format}' botgarden-edge`)).toMatch(/max-size/);
  });

  test("keys are the host's alone, and nginx without rights shows no secret", async () => {
    const files = await garden.onHost(
      "find -L /etc/botgarden/certificates -name privkey.pem -printf '%m %U %G %p\\n'",
    );
    const keys = files.trim().split("\n");
    for (const key of keys) expect(key).toMatch(/^600 0 0 /);
    const pem = await garden.onHost(`cat ${keys[0]?.split(" ")[3]}`);
    const secrets = await Promise.all(botNames.map(async (name) => (await garden.bot(name)).secret));
    secrets.push(pem.split("\n")[1] ?? "no key");
    for (const secret of secrets) expect(secret.length).toBeGreaterThan(20);
    const asNginx = (command: string) =>
      garden.onHost(`docker exec -u nginx botgarden-edge sh -c '${command}' 2>&1 || true`);
    const configuration = await asNginx("nginx -T -c /etc/nginx/garden/current/nginx.conf");
    const environment = await asNginx("cat /proc/*/environ /proc/*/cmdline | tr \\\\0 \\\\n");
    const everything = await asNginx(
      "find /etc /run /var /usr/share/nginx -type f -size -2M -exec cat {} + 2>/dev/null",
    );
    expect(configuration).toMatch(/permission denied/i);
    for (const secret of secrets) {
      expect(configuration.includes(secret), "nginx -T").toBe(false);
      expect(environment.includes(secret), "/proc").toBe(false);
      expect(everything.includes(secret), "a file that nginx's workers can read").toBe(false);
    }
  });
});
