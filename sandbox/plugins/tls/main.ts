/** The stand-in for the official plugin tls 5.6.1, as a plugin process. */
import { runProvider } from "../framework/provider.ts";
import { certRequest, locallySignedCert, privateKey, selfSignedCert } from "./resources.ts";

await runProvider({
  name: "tls",
  version: "5.6.1",
  flavour: "framework",
  noHandshake: "Handshake is not yet implemented",
  config: {
    proxy: { kind: "object", unsupported: "it only serves getCertificate, which the stand-in hasn't" },
  },
  configure: () => null,
  resources: [privateKey, selfSignedCert, certRequest, locallySignedCert],
});
