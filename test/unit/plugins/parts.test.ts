/** The small parts of the stand-ins that can be checked against known answers. */
import { describe, expect, test } from "vitest";
import { toRegExp } from "../../../sandbox/plugins/command/globs.ts";
import { quoted } from "../../../sandbox/plugins/command/run.ts";
import { child, element, topLevel } from "../../../sandbox/plugins/framework/paths.ts";
import { engineAddress } from "../../../sandbox/plugins/framework/serve.ts";
import { bcrypt } from "../../../sandbox/plugins/random/bcrypt.ts";
import {
  children,
  fromPem,
  integer,
  namedBits,
  oid,
  read,
  readOid,
  setOf,
  time,
  toPem,
} from "../../../sandbox/plugins/tls/der.ts";
import { sha1OfTrimmed } from "../../../sandbox/plugins/tls/keys.ts";
import { timeText } from "../../../sandbox/plugins/tls/validity.ts";

describe("bcrypt", () => {
  const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const saltOf = (hash: string): Buffer => {
    const text = [...hash.slice(7, 29)].map((letter) => standard[alphabet.indexOf(letter)]).join("");
    return Buffer.from(text, "base64").subarray(0, 16);
  };

  // From the tests of OpenBSD's and Openwall's implementations.
  test.each([
    { password: "abc", hash: "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i" },
    { password: "U*U", hash: "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
    { password: "U*U*U", hash: "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a" },
  ])("of $password", ({ password, hash }) => {
    expect(bcrypt(password, Number(hash.slice(4, 6)), saltOf(hash))).toBe(hash);
  });
});

describe("DER", () => {
  test("integers have no needless zeros and no sign", () => {
    expect(integer(0).toString("hex")).toBe("020100");
    expect(integer(128).toString("hex")).toBe("02020080");
    expect(integer(65537).toString("hex")).toBe("0203010001");
  });

  test("object identifiers", () => {
    expect(oid("1.2.840.113549.1.1.11").toString("hex")).toBe("06092a864886f70d01010b");
    for (const dotted of ["2.5.29.37.0", "1.3.101.112", "2.16.840.1.113730.4.1"]) {
      expect(readOid(read(oid(dotted)))).toBe(dotted);
    }
  });

  test("named bits end at the last one", () => {
    expect(namedBits([5, 6]).toString("hex")).toBe("03020106");
    expect(namedBits([8]).toString("hex")).toBe("0303070080");
  });

  test("sets are in order of their bytes", () => {
    expect(children(read(setOf(integer(3), integer(1)))).map((node) => node.content[0])).toEqual([1, 3]);
  });

  test("times have two digits for the year until 2049", () => {
    expect(time(new Date("2049-12-31T23:59:59.9Z")).toString()).toMatch(/491231235959Z$/);
    expect(time(new Date("2050-01-01T00:00:00Z")).toString()).toMatch(/20500101000000Z$/);
  });

  test("long values and their PEM come back", () => {
    const der = setOf(
      Buffer.concat([integer(1), Buffer.alloc(0)]),
      ...Array.from({ length: 200 }, (_, i) => integer(i)),
    );
    expect(children(read(der))).toHaveLength(201);
    expect(fromPem(toPem("X Y", der))).toEqual({ type: "X Y", der });
  });

  test.each(["30", "3005", "308000", "30010203", "3085ffffffffff"])("%s is refused", (hex) => {
    expect(() => read(Buffer.from(hex, "hex"))).toThrow(/^DER: /);
  });
});

test("an identifier doesn't count white space at the end of the bytes", () => {
  const plain = sha1OfTrimmed(Buffer.from("30", "hex"));
  for (const end of ["20", "0a20", "c2a0", "c285", "e28083"])
    expect(sha1OfTrimmed(Buffer.from(`30${end}`, "hex"))).toBe(plain);
  expect(sha1OfTrimmed(Buffer.from("3085", "hex"))).not.toBe(plain);
});

test("times are written without zeros at the end", () => {
  expect(timeText(new Date("2026-11-21T07:18:01.330Z"))).toBe("2026-11-21T07:18:01.33Z");
  expect(timeText(new Date("2026-11-21T07:18:00.000Z"))).toBe("2026-11-21T07:18:00Z");
});

test("commands are quoted as Go quotes them", () => {
  expect(quoted('a "b" \\ \t\n\u0007\u001b\u007fé')).toBe('"a \\"b\\" \\\\ \\t\\n\\a\\x1b\\x7fé"');
});

test.each([
  { glob: "*.txt", yes: ["a.txt", ".txt"], no: ["a/b.txt", "a.txtx"] },
  { glob: "**.txt", yes: ["a.txt", "a/b.txt"], no: ["a.md"] },
  { glob: "src/**", yes: ["src/a", "src/a/b"], no: ["src"] },
  { glob: "?.[ab]", yes: ["x.a", "y.b"], no: ["x.c", "/.a"] },
  { glob: "[!a].x", yes: ["b.x"], no: ["a.x"] },
  { glob: "{a,b*}.x", yes: ["a.x", "bcd.x"], no: ["c.x"] },
  { glob: "a+b\\*", yes: ["a+b*"], no: ["aab*", "a+bc"] },
])("the path pattern $glob", ({ glob, yes, no }) => {
  expect([...yes, ...no].filter((path) => toRegExp(glob).test(path))).toEqual(yes);
});

test("paths of properties", () => {
  expect(child(element(child("", "ports"), 0), "max-size")).toBe('ports[0]["max-size"]');
  expect(topLevel('ports[0]["max-size"]')).toBe("ports");
  expect(topLevel("a.b")).toBe("a");
});

test("the engine's address is the one positional argument", () => {
  expect(engineAddress(["node", "main.ts", "-v=3", "127.0.0.1:5000"])).toBe("127.0.0.1:5000");
  expect(engineAddress(["node", "main.ts"])).toBeUndefined();
});
