import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { scramVerifier } from "../../../components/postgres/scram.ts";

const form = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/;

describe("a verifier", () => {
  test("has PostgreSQL's form, with its own default of iterations and sizes", () => {
    const [, iterations, salt, stored, server] = form.exec(scramVerifier("hello", "secret")) ?? [];
    expect(iterations).toBe("4096");
    const sizes = [salt, stored, server].map((part) => Buffer.from(part ?? "", "base64").length);
    expect(sizes).toEqual([16, 32, 32]);
  });

  test("is the same in every plan, and another one for another role or password", () => {
    const one = scramVerifier("hello", "secret");
    expect(scramVerifier("hello", "secret")).toBe(one);
    const salts = [one, scramVerifier("other", "secret"), scramVerifier("hello", "Secret")].map(
      (text) => form.exec(text)?.[2],
    );
    expect(new Set(salts).size).toBe(3);
    expect(one).not.toContain("secret");
  });

  test("proves the password as RFC 5802 says, which RFC 7677's own example follows", () => {
    // The formulas below give the proof and the signature that stand in RFC 7677, section 3.
    const message =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const example = exchange("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"), message);
    expect(example.proof).toBe("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    expect(example.signature).toBe("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");

    const [, , salt = "", stored = "", server = ""] = form.exec(scramVerifier("hello", "pencil")) ?? [];
    const { proof, signature } = exchange("pencil", Buffer.from(salt, "base64"), message);
    // What a server does with the two keys that it has.
    const clientSignature = createHmac("sha256", Buffer.from(stored, "base64")).update(message).digest();
    const clientKey = xor(Buffer.from(proof, "base64"), clientSignature);
    expect(createHash("sha256").update(clientKey).digest("base64")).toBe(stored);
    expect(createHmac("sha256", Buffer.from(server, "base64")).update(message).digest("base64")).toBe(
      signature,
    );
  });

  /** A client's side of the exchange: RFC 5802, section 3. */
  function exchange(password: string, salt: Buffer, message: string): { proof: string; signature: string } {
    const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();
    const salted = pbkdf2Sync(password, salt, 4096, 32, "sha256");
    const clientKey = hmac(salted, "Client Key");
    const storedKey = createHash("sha256").update(clientKey).digest();
    return {
      proof: xor(clientKey, hmac(storedKey, message)).toString("base64"),
      signature: hmac(hmac(salted, "Server Key"), message).toString("base64"),
    };
  }

  function xor(a: Buffer, b: Buffer): Buffer {
    return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));
  }
});
