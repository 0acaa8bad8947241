import { play } from "./case.ts";
import { randomBytes } from "./cases/random-bytes.ts";
import { randomId } from "./cases/random-id.ts";
import { randomPassword } from "./cases/random-password.ts";
import { randomString } from "./cases/random-string.ts";
import { randomUuid } from "./cases/random-uuid.ts";

for (const cases of [randomPassword, randomString, randomId, randomUuid, randomBytes]) play(cases);
