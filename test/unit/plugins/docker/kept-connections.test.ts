import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SshConnection } from "../../../../sandbox/plugins/docker/engine/ssh-connection.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "botgarden-ssh-"));
  // Ends when it is told to, as `ssh … docker system dial-stdio` does when the engine goes.
  writeFileSync(join(folder, "ssh"), "#!/bin/sh\nread -r _\necho answer\nread -r _\n");
  chmodSync(join(folder, "ssh"), 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH ?? ""}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test.each([
  ["kept for later, which nobody reads", true],
  ["in use", false],
])("a connection whose ssh has ended is closed when it is %s", async (_, kept) => {
  const connection = new SshConnection(["nobody@nowhere"]);
  connection.resume();
  connection.write("question\n");
  await once(connection, "data");
  if (kept) connection.setKeepAlive().unref();
  connection.write("go\n");
  await vi.waitFor(() => expect(connection.destroyed).toBe(true), 60_000);
});
