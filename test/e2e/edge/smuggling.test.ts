import { beforeAll, describe, expect, test } from "vitest";
import { type EdgeBot, EdgeGarden } from "../support/edge-bots.ts";
import { type Exchange, exchange, post, SECRET_HEADER } from "../support/raw-request.ts";

/** A request with the right secret, whose end is unclear. */
interface Ambiguous {
  readonly what: string;
  /** In place of a Content-Length. */
  readonly headers: readonly string[];
  /** What seems to come before the hidden request. */
  readonly start: string;
  readonly version?: string;
}

const chunked = "Transfer-Encoding: chunked";
/** Marks the length of the whole body, hidden request and all. */
const WHOLE = "WHOLE";

const ambiguous: readonly Ambiguous[] = [
  { what: "a length and chunks", headers: [`Content-Length: ${WHOLE}`, chunked], start: "0\r\n\r\n" },
  { what: "chunks and a length", headers: [chunked, `Content-Length: ${WHOLE}`], start: "0\r\n\r\n" },
  {
    what: "a length and a tab before chunks",
    headers: [`Content-Length: ${WHOLE}`, "Transfer-Encoding: \tchunked"],
    start: "0\r\n\r\n",
  },
  {
    what: "a length and chunks in capitals",
    headers: [`Content-Length: ${WHOLE}`, "transfer-encoding: CHUNKED"],
    start: "0\r\n\r\n",
  },
  {
    what: "a length and chunks of another kind",
    headers: [`Content-Length: ${WHOLE}`, "Transfer-Encoding: xchunked"],
    start: "0\r\n\r\n",
  },
  {
    what: "chunks and something else",
    headers: ["Transfer-Encoding: chunked, identity"],
    start: "0\r\n\r\n",
  },
  { what: "chunks twice", headers: [chunked, chunked], start: "0\r\n\r\n" },
  { what: "chunks in HTTP/1.0", headers: [chunked], start: "0\r\n\r\n", version: "HTTP/1.0" },
  { what: "two lengths", headers: ["Content-Length: 2", `Content-Length: ${WHOLE}`], start: "{}" },
  { what: "two lengths in one", headers: [`Content-Length: 2, ${WHOLE}`], start: "{}" },
  { what: "a signed length", headers: ["Content-Length: +2"], start: "{}" },
  { what: "a negative length", headers: ["Content-Length: -2"], start: "{}" },
  { what: "a length in hex", headers: ["Content-Length: 0x2"], start: "{}" },
  { what: "a blank before the colon", headers: ["Content-Length : 2"], start: "{}" },
  { what: "a folded header", headers: ["X-Folded: 1", ` ${chunked}`, "Content-Length: 2"], start: "{}" },
  { what: "a chunk of nonsense size", headers: [chunked], start: "zz\r\n" },
  { what: "a chunk of overflowing size", headers: [chunked], start: "FFFFFFFFFFFFFFFFF\r\n" },
  { what: "a NUL in a header", headers: ["X-Nul: a\0b", "Content-Length: 2"], start: "{}" },
];

describe("requests that two servers may read in two ways", () => {
  let garden: EdgeGarden;
  let steady: EdgeBot;
  beforeAll(async () => {
    garden = await new EdgeGarden().planted();
    steady = await garden.bot("steady");
  });

  const send = (headers: readonly string[], body: string, version = "HTTP/1.1"): Promise<Exchange> => {
    const lines = [
      `POST ${steady.path} ${version}`,
      "Host: garden.test",
      `${SECRET_HEADER}: ${steady.secret}`,
      ...headers,
      "",
      body,
    ];
    return exchange({ address: garden.address, bytes: lines.join("\r\n") });
  };

  test("are refused as a whole, and the bot sees neither part", async () => {
    await steady.forget();
    const wrong: string[] = [];
    for (const { what, headers, start, version } of ambiguous) {
      const named = `X-Forgery: ${what}`;
      const body = `${start}POST /updates HTTP/1.1\r\nHost: x\r\n${named}\r\nContent-Length: 2\r\n\r\n{}`;
      const whole = headers.map((header) => header.replace(WHOLE, String(body.length)));
      const { statuses } = await send([named, ...whole], body, version);
      // One refusal, or the line is cut.
      const [status = 400, ...more] = statuses;
      if (![400, 501].includes(status) || more.length > 0) wrong.push(`${what}: ${statuses.join(" ")}`);
    }
    for (const { line, headers } of (await steady.record()).requests) {
      wrong.push(`the bot saw: ${line} ${JSON.stringify(headers)}`);
    }
    expect(wrong).toEqual([]);
  });

  test("a forged request behind a good one on the same connection is refused by itself", async () => {
    await steady.forget();
    const good = post({ path: steady.path, secret: steady.secret }).replace("Connection: close\r\n", "");
    const { statuses } = await exchange({
      address: garden.address,
      bytes: good + post({ path: steady.path }),
    });
    expect(statuses).toEqual([200, 403]);
    expect((await steady.record()).count).toBe(1);
  });

  test("a good request in chunks reaches the bot whole", async () => {
    await steady.forget();
    const { statuses } = await send(
      ["Transfer-Encoding: chunked", "Connection: close"],
      '6\r\n{"a":1\r\n1\r\n}\r\n0\r\n\r\n',
    );
    expect(statuses).toEqual([200]);
    expect((await steady.record()).requests).toMatchObject([{ bodyLength: 7 }]);
  });
});
