/** The stand-in for the official plugin command 1.2.1, as a plugin process. */
import { runProvider } from "../framework/provider.ts";
import { localCommand, localRun } from "./resources.ts";

const INSTEAD = 'use command.local.Command with an interpreter such as ["ssh", host], or the official plugin';

await runProvider({
  name: "command",
  version: "1.2.1",
  flavour: "native",
  configAdds: { "__pulumi-go-provider-version": "v1.5.0" },
  configure: () => null,
  resources: [localCommand],
  refused: {
    "command:remote:Command": INSTEAD,
    "command:remote:CopyToRemote": INSTEAD,
    "command:remote:CopyFile": INSTEAD,
  },
  functions: { "command:local:run": localRun },
});
