/**
 * Just enough of the protobuf wire format (https://protobuf.dev/programming-guides/encoding/) to read BuildKit's
 * messages (fields with a length, and skipping everything else) and to answer with one field.
 */

/** The fields with a length (strings, bytes, messages) of one message, in order. */
export function lengthFields(message: Buffer): { readonly field: number; readonly bytes: Buffer }[] {
  const found: { field: number; bytes: Buffer }[] = [];
  let at = 0;
  while (at < message.length) {
    const key = varint(message, at);
    at = key.next;
    const field = Math.floor(key.value / 8);
    switch (key.value % 8) {
      case 0:
        at = varint(message, at).next;
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint(message, at);
        at = length.next + length.value;
        if (at > message.length) throw new Error("unexpected EOF");
        found.push({ field, bytes: message.subarray(length.next, at) });
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error(`proto: illegal wireType ${key.value % 8}`);
    }
  }
  return found;
}

function varint(message: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < message.length; at++) {
    const byte = message[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: at + 1 };
    scale *= 128;
  }
  throw new Error("unexpected EOF");
}

/** One field with a length, of less than 2 GB. Nothing for empty bytes, as proto3 has it. */
export function lengthField(field: number, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const head = [field * 8 + 2];
  let rest = bytes.length;
  for (; rest >= 0x80; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), bytes]);
}
