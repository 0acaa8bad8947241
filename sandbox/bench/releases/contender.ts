/** What is compared: a way to release the recorder, planted on the same host one after the other. */
import type { SandboxState } from "../../lifecycle/state.ts";
import type { BotRecord } from "./recorder.ts";

/** The bot's name in every garden. */
export const botName = "recorder";

export interface Contender {
  readonly name: string;
  /** From a host on which nothing runs to the first release and its webhook. */
  plant(): Promise<void>;
  /** Releases the bot with another source; returns when the way's own command says that it is done. */
  release(name: string): Promise<void>;
  /** What the bot wrote down of a run of the numbered sender. */
  record(run: number): Promise<BotRecord>;
  /** Leaves nothing that is in another contender's way. */
  uproot(): Promise<void>;
}

/** What contenders work with. */
export interface Site {
  readonly state: SandboxState;
  /** The bot's token. */
  readonly token: string;
  /** The folder of the bot's source, without its release's name. */
  readonly source: string;
  readonly log: (line: string) => void;
}
