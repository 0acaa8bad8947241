/** The plugin's process: `node main.ts [engine address]`. */
import { runProvider } from "../framework/provider.ts";
import { docker } from "./provider.ts";

await runProvider(docker);
