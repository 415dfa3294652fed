// Runs a subject in its own process, Node or Python. Each request and each answer is a line of JSON.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ROOT } from "../../scripts/run.mjs";

/** A process that still runs this long after its input was closed is killed. */
const KILL_AFTER_MS = 5000;

/**
 * Starts the program; resolves to `{ ask, pid, close }`. Requests that are pending when
 * the process ends reject.
 */
export async function openProcess(program, args, env = {}) {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const waiting = [];
  let errors = "";
  const end = (reason) => {
    for (const { reject } of waiting.splice(0))
      reject(new Error(`${program} ended (${reason}). ${errors.trim().split("\n").slice(-6).join("\n")}`));
  };
  child.stderr.setEncoding("utf8").on("data", (text) => (errors = (errors + text).slice(-4000)));
  child.stdin.on("error", () => {});
  child.on("error", (error) => end(error.message));
  child.on("close", (code) => end(`exit code ${code}`));
  createInterface({ input: child.stdout }).on("line", (line) => {
    // A line that a library prints is not an answer.
    if (!line.startsWith("{")) return;
    const { error, result } = JSON.parse(line);
    const job = waiting.shift();
    if (error) job?.reject(new Error(error));
    else job?.resolve(result);
  });
  return {
    pid: child.pid,
    ask: (message) =>
      new Promise((resolve, reject) => {
        if (child.exitCode !== null) return reject(new Error(`${program} has ended. ${errors.trim()}`));
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(message)}\n`);
      }),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, "close");
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}
