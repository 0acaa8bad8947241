import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { Garden } from "./support/garden.ts";
import { https } from "./support/https.ts";

describe("the first garden", () => {
  let garden: Garden;
  beforeAll(async () => {
    garden = await new Garden().planted();
  });

  test("a person's message is answered through the edge, the bot and Postgres", async () => {
    const chat = 5001;
    expect(await garden.ask("hello", "/start", chat)).toMatch(/1 message/);
    expect(await garden.ask("hello", "again", chat)).toMatch(/2 messages/);
    // A server process counts what it did some time after it did it.
    await eventually(async () => {
      const rows = await garden.onHost(
        'docker exec -u postgres botgarden-postgres psql -Atd hello -c "SELECT count(*) FROM pg_stat_user_tables WHERE n_tup_ins > 0"',
      );
      expect(Number(rows)).toBeGreaterThan(0);
    });
  });

  test("the webhook is registered, with a secret and without a certificate: Telegram trusts the authority", async () => {
    const [hello] = (await garden.telegram.bots()).filter(({ name }) => name === "hello");
    expect(hello).toMatchObject({
      webhook: "https://garden.test/webhook/hello",
      hasSecret: true,
    });
  });

  test("the edge answers /healthz, sends people to HTTPS and knows nothing else", async () => {
    const { address } = garden.state.host;
    expect(await https({ address, path: "/healthz" })).toMatchObject({ status: 200, body: "ok\n" });
    expect(await https({ address, path: "/" })).toMatchObject({ status: 404 });
    expect(await https({ address, path: "/webhook/hello", method: "GET" })).toMatchObject({ status: 403 });
    expect(await https({ address, path: "/webhook/nobody", method: "POST" })).toMatchObject({ status: 404 });
    const plain = await garden.onHost(
      `curl -s -o /dev/null -w '%{http_code} %{redirect_url}' --resolve garden.test:80:${address} 'http://garden.test/x?y=1'`,
    );
    expect(plain).toBe("301 https://garden.test/x?y=1");
    await expect(fetch(`http://${address}/`)).rejects.toThrow();
  });

  test("Postgres is asked whether it is well without a refusal in its log each time", async () => {
    await eventually(async () => {
      const asked = await garden.onHost("docker inspect -f '{{len .State.Health.Log}}' botgarden-postgres");
      expect(Number(asked)).toBeGreaterThan(0);
    });
    expect(await garden.onHost("docker logs botgarden-postgres 2>&1")).not.toMatch(/FATAL.*127\.0\.0\.1/);
  });

  test("a forged update without the secret is refused", async () => {
    const answer = await https({
      address: garden.state.host.address,
      path: "/webhook/hello",
      method: "POST",
      body: JSON.stringify({ update_id: 1 }),
    });
    expect(answer.status).toBe(403);
  });

  test("the outputs name the webhook base, the health address and each bot; the password is a secret", async () => {
    const { code, output } = await garden.pulumi("stack", "output", "--json");
    expect(code).toBe(0);
    const outputs: Record<string, unknown> = JSON.parse(output);
    expect(outputs).toMatchObject({
      webhookBase: "https://garden.test/webhook",
      healthUrl: "https://garden.test/healthz",
      bots: {
        hello: { url: "https://garden.test/webhook/hello", container: expect.stringMatching(/^hello-/) },
      },
      databasePassword: "[secret]",
    });
  });
});
