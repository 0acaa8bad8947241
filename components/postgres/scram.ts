import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

/** PostgreSQL's own default, `scram_iterations`. */
const iterations = 4096;

/**
 * The form in which PostgreSQL stores a password (RFC 5803, as `pg_authid.rolpassword` has it). A server that is
 * given this never sees the password, so neither its log nor pg_stat_statements can show it. The salt is derived
 * from the role and the password, so that the same password gives the same text in every plan.
 */
export function scramVerifier(role: string, password: string): string {
  const salt = createHash("sha256").update(`botgarden\0${role}\0${password}`).digest().subarray(0, 16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const hmac = (text: string) => createHmac("sha256", salted).update(text).digest();
  const storedKey = createHash("sha256").update(hmac("Client Key")).digest("base64");
  const serverKey = hmac("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}
