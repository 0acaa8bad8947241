/** Certificates in PEM (RFC 7468), as CAs, certbot and openssl write them. */
import { X509Certificate } from "node:crypto";

// A block's base64 holds no "-", so that a long text without an end costs no time.
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]*-----END \1-----/g;

/**
 * The certificates of a text in its order, or what is wrong with it in words that follow its name. Text between
 * the blocks, which some tools write, is passed over; any other block is refused, above all a key.
 */
export function certificatesIn(text: string): readonly X509Certificate[] | string {
  if (text.includes("PRIVATE KEY-----")) return "holds a private key";
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) return "holds no certificate in PEM";
  if (text.replaceAll(BLOCK, "").includes("-----")) return "holds a block of PEM that is not whole";
  const certificates: X509Certificate[] = [];
  for (const [index, [block, label]] of blocks.entries()) {
    const certificate = label === "CERTIFICATE" ? parse(block) : undefined;
    if (certificate === undefined) return `holds a block, number ${index + 1}, that is not a certificate`;
    certificates.push(certificate);
  }
  return certificates;
}

function parse(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block);
  } catch {
    return undefined;
  }
}
