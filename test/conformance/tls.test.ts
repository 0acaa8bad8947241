import { play } from "./case.ts";
import { certRequest } from "./cases/tls-cert-request.ts";
import { locallySignedCert } from "./cases/tls-locally-signed-cert.ts";
import { privateKey } from "./cases/tls-private-key.ts";
import { selfSignedCert } from "./cases/tls-self-signed-cert.ts";

for (const cases of [privateKey, selfSignedCert, certRequest, locallySignedCert]) play(cases);
