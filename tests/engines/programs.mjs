// Starts programs for the engines' tests: watches the output of each until it is ready, and ends them with
// this process at the latest.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

// A signal would end this process without "exit", the event that ends the programs.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** How long a program may take to report that it is ready: generous, a slow machine must not fail a test. */
const START_MS = 60_000;

/** How long it may take to end after SIGTERM. */
const END_MS = 5_000;

/**
 * Starts a program in its own process group. Returns `{ lines, waitForLine, end }`: the lines that it has written
 * so far; a function that waits for a line and resolves to its match; and a function that ends it and all its
 * child processes.
 */
export function startProgram(program, args, env = {}) {
  const child = spawn(program, args, {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = [];
  let wake = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (piece) => {
      const [...parts] = (rest + piece).split("\n");
      rest = parts.pop();
      lines.push(...parts);
      wake();
    });
  }
  let ended = null;
  const closed = new Promise((resolve) => {
    const stop = (how) => {
      ended ??= how;
      wake();
      resolve();
    };
    child.on("error", (error) => stop(error.message));
    child.on("close", (code, signal) => stop(`it ended with ${code ?? signal}`));
  });
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {} // it has ended
  };
  const last = () => kill("SIGKILL");
  process.on("exit", last);
  return {
    lines,

    async waitForLine(pattern) {
      const limit = Date.now() + START_MS;
      for (;;) {
        const found = lines.map((line) => pattern.exec(line)).find(Boolean);
        if (found) return found;
        if (ended !== null || Date.now() > limit)
          throw new Error(
            `${program} did not start (${ended ?? "it took too long"}):\n${lines.slice(-20).join("\n")}`,
          );
        await new Promise((resolve) => {
          const timer = setTimeout(resolve, 1000);
          wake = () => (clearTimeout(timer), resolve());
        });
      }
    },

    async end() {
      kill("SIGTERM");
      const timer = setTimeout(last, END_MS);
      await closed;
      clearTimeout(timer);
      last(); // child processes that it left
      process.off("exit", last);
    },
  };
}

/** A folder for a browser's files; `remove` deletes it. */
export function scratchFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `tabsense-${name}-`));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  process.on("exit", remove);
  return { folder, remove: () => (process.off("exit", remove), remove()) };
}

/** A free port. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
