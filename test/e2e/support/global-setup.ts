import { sandboxIdOf } from "../../../sandbox/lifecycle/checkout.ts";
import { copyProject } from "../../../sandbox/lifecycle/copy.ts";
import { down } from "../../../sandbox/lifecycle/down.ts";
import { up } from "../../../sandbox/lifecycle/up.ts";
import { projectFolder } from "./garden.ts";

/** One bare host for all files; gone afterwards unless BOTGARDEN_KEEP=1. */
export async function setup(): Promise<() => Promise<void>> {
  const log = (line: string) => console.log(line);
  await up({ project: copyProject(projectFolder()), log });
  return async () => {
    if (process.env.BOTGARDEN_KEEP === "1") return;
    await down(sandboxIdOf(projectFolder()), log);
  };
}
