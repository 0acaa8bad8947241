/** What is wrong with a container, whichever it is. */
import type { Report } from "./problem.ts";
import type { ContainerStatus } from "./status-of.ts";
import { MEMORY_LIMIT_PERCENT, RECENT_RESTART } from "./thresholds.ts";
import { count, duration, secondsBetween, share, size } from "./words.ts";

export interface ContainerWords {
  /** The host's time, ISO 8601. */
  readonly time: string;
  /** The name that `npm run logs` takes. */
  readonly log: string;
  /** The setting of its memory limit; undefined if there is none. */
  readonly memory: string | undefined;
}

export function judgeContainer(container: ContainerStatus, words: ContainerWords, report: Report): void {
  const { state, health } = container;
  const why = `npm run logs -- ${words.log} shows why.`;
  const starved = container.outOfMemory && container.memoryLimit !== null;
  const raise = words.memory === undefined ? why : `Raise ${words.memory}, then pulumi up. ${why}`;
  if (state !== "running") {
    report(
      starved
        ? `ran out of its ${size(container.memoryLimit ?? 0)} of memory and was ended`
        : notRunning(container, words.time),
      starved ? raise : `${why} To start it as it was: pulumi refresh, then pulumi up.`,
    );
    return;
  }
  const runs = secondsBetween(container.started, words.time);
  if (container.restarts > 0 && runs < RECENT_RESTART) {
    const times = count(container.restarts, "time");
    report(
      starved
        ? `was ended for want of memory (limit ${size(container.memoryLimit ?? 0)}) and started again, ${times} so far, last ${duration(runs)} ago`
        : `ended and was started again, ${times} so far, last ${duration(runs)} ago`,
      starved ? raise : why,
    );
  }
  if (health === "unhealthy") report("its health check fails", why);
  const { memory, memoryLimit } = container;
  if (memory !== null && memoryLimit !== null && memory > (memoryLimit * MEMORY_LIMIT_PERCENT) / 100) {
    report(`takes ${share(memory, memoryLimit)} of memory that it may have`, raise);
  }
}

function notRunning({ state, exitCode, finished, restarts }: ContainerStatus, time: string): string {
  if (state === "restarting") {
    return `ends as soon as it is started (exit code ${exitCode}, ${count(restarts, "time")} so far)`;
  }
  if (state === "paused") return "is frozen (docker pause)";
  if (finished === null) return `does not run (${state})`;
  return `does not run (${state} with code ${exitCode}, ${duration(secondsBetween(finished, time))} ago)`;
}
