/**
 * bcrypt (Provos and Mazières, 1999), version 2a: the hash of a RandomPassword. Written out here because neither Node nor the
 * project's dependencies have it.
 */
import { randomBytes } from "node:crypto";

const ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ROUNDS = 16;
const P_WORDS = ROUNDS + 2;
const S_WORDS = 4 * 256;
const SALT_BYTES = 16;
/** bcrypt looks at no more of the password. */
const MAX_PASSWORD_BYTES = 72;

/** Blowfish's working state: its subkeys and its four substitution boxes, one after the other. */
interface Cipher {
  readonly p: Uint32Array;
  readonly s: Uint32Array;
}

/** Hashes a password. `cost` is the binary logarithm of the rounds; `salt` 16 bytes, by chance when left out. */
export function bcrypt(password: string, cost: number, salt: Uint8Array = randomBytes(SALT_BYTES)): string {
  // Version 2a hashes the terminating zero of the text too.
  const key = Buffer.concat([Buffer.from(password).subarray(0, MAX_PASSWORD_BYTES), Buffer.from([0])]);
  const cipher = initialCipher();
  expandKey(cipher, key, salt);
  const nothing = new Uint8Array(SALT_BYTES);
  for (let round = 0; round < 2 ** cost; round++) {
    expandKey(cipher, key, nothing);
    expandKey(cipher, salt, nothing);
  }
  const words = Uint32Array.from(
    Array.from({ length: 6 }, (_, i) => Buffer.from("OrpheanBeholderScryDoubt").readUInt32BE(i * 4)),
  );
  for (let i = 0; i < words.length; i += 2) for (let n = 0; n < 64; n++) encrypt(cipher, words, i);
  const digest = Buffer.alloc(words.length * 4);
  for (const [i, word] of words.entries()) digest.writeUInt32BE(word, i * 4);
  return `$2a$${String(cost).padStart(2, "0")}$${base64(salt)}${base64(digest.subarray(0, 23))}`;
}

/** bcrypt's own base64: another alphabet, no padding. */
function base64(bytes: Uint8Array): string {
  const standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const text = Buffer.from(bytes).toString("base64").replace(/=+$/, "");
  return [...text].map((letter) => ALPHABET[standard.indexOf(letter)]).join("");
}

let piWords: Uint32Array | undefined;

/** Blowfish starts from the digits of pi after the point, in 32-bit words. */
function initialCipher(): Cipher {
  piWords ??= digitsOfPi(P_WORDS + S_WORDS);
  return { p: piWords.slice(0, P_WORDS), s: piWords.slice(P_WORDS) };
}

function digitsOfPi(words: number): Uint32Array {
  const spareBits = 64n;
  const bits = BigInt(words * 32) + spareBits;
  // Machin: pi = 16 arctan(1/5) - 4 arctan(1/239), in fixed point.
  const pi = (16n * arctanOfInverse(5n, bits) - 4n * arctanOfInverse(239n, bits)) >> spareBits;
  const fraction = pi & ((1n << BigInt(words * 32)) - 1n);
  const hex = fraction.toString(16).padStart(words * 8, "0");
  return Uint32Array.from({ length: words }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16));
}

function arctanOfInverse(x: bigint, bits: bigint): bigint {
  let power = (1n << bits) / x;
  let sum = power;
  for (let n = 3n, sign = -1n; power !== 0n; n += 2n, sign = -sign) {
    power /= x * x;
    sum += (sign * power) / n;
  }
  return sum;
}

function expandKey(cipher: Cipher, key: Uint8Array, salt: Uint8Array): void {
  const { p, s } = cipher;
  const keyWord = wordsOf(key);
  const saltWord = wordsOf(salt);
  for (let i = 0; i < p.length; i++) p[i] = (p[i] ?? 0) ^ keyWord();
  const block = new Uint32Array(2);
  for (const target of [p, s]) {
    for (let i = 0; i < target.length; i += 2) {
      block[0] = (block[0] ?? 0) ^ saltWord();
      block[1] = (block[1] ?? 0) ^ saltWord();
      encrypt(cipher, block, 0);
      target.set(block, i);
    }
  }
}

/** Reads big-endian words from the bytes, round and round. */
function wordsOf(bytes: Uint8Array): () => number {
  let at = 0;
  return () => {
    let word = 0;
    for (let i = 0; i < 4; i++) {
      word = (word << 8) | (bytes[at] ?? 0);
      at = (at + 1) % bytes.length;
    }
    return word >>> 0;
  };
}

function encrypt({ p, s }: Cipher, block: Uint32Array, at: number): void {
  let left = (block[at] ?? 0) ^ (p[0] ?? 0);
  let right = block[at + 1] ?? 0;
  for (let i = 1; i <= ROUNDS; i += 2) {
    right ^= mix(s, left) ^ (p[i] ?? 0);
    left ^= mix(s, right) ^ (p[i + 1] ?? 0);
  }
  block[at] = right ^ (p[ROUNDS + 1] ?? 0);
  block[at + 1] = left;
}

function mix(s: Uint32Array, x: number): number {
  const a = s[x >>> 24] ?? 0;
  const b = s[256 + ((x >>> 16) & 255)] ?? 0;
  const c = s[512 + ((x >>> 8) & 255)] ?? 0;
  const d = s[768 + (x & 255)] ?? 0;
  return (((((a + b) | 0) ^ c) | 0) + d) | 0;
}
