/** Our way: the bot's source changes, and `pulumi up`. */
import { pulumi } from "../../lifecycle/stack.ts";
import { botName, type Contender, type Site } from "./contender.ts";
import { gardenPsql, nameRelease, readRecord } from "./recorder.ts";

export function garden({ state }: Site): Contender {
  const up = () => pulumi(state, ["up", "--yes", "--skip-preview", "--non-interactive", "--color=never"]);
  return {
    name: "botgarden",
    async plant() {
      await up();
    },
    async release(name) {
      nameRelease(state.project, botName, name);
      await up();
    },
    record: (run) => readRecord(state.host, run, gardenPsql(botName)),
    async uproot() {
      await pulumi(state, ["destroy", "--yes", "--skip-preview", "--non-interactive", "--color=never"]);
    },
  };
}
