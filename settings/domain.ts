/** Public DNS names. */
import { isIPv4 } from "node:net";

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const DOMAIN = new RegExp(`^(?=.{4,253}$)(?:${LABEL}\\.)+(?=[a-z0-9-]*[a-z])${LABEL}$`);

/** What is wrong with a public DNS name, in words that follow its path, or undefined if it fits. */
export function domainProblem(text: string): string | undefined {
  if (DOMAIN.test(text)) return undefined;
  if (isIPv4(text)) return 'is an IP address, which belongs in "ip"';
  return text !== text.toLowerCase() && DOMAIN.test(text.toLowerCase())
    ? "has upper-case letters"
    : "is not a DNS name";
}
