// Runs `js` blocks in Node: those that use Node's own modules.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { preludeOf } from "../prelude.mjs";
import { checkPrinted } from "./expected.mjs";

const TIMEOUT_MS = 60_000;

/** Reports each console.log call, and ends a server soon after it listens, because nothing else does. */
const HOOKS = `
  import { Server } from "node:net";
  const { log } = console;
  console.log = (...args) => { process.send(args.map((one) => (typeof one === "object" ? JSON.parse(JSON.stringify(one)) : one))); log(...args); };
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    if (args[0] !== null && typeof args[0] === "object" && !args[0].path) args[0] = { ...args[0], port: 0 };
    else if (typeof args[0] === "number") args[0] = 0;
    this.once("listening", () => setTimeout(() => process.exit(0), 500));
    return listen.apply(this, args);
  };
`;

/** Whether a block is for Node rather than for a page. */
export function isForNode({ code }) {
  return /from\s+["']node:|import\(\s*["']node:|\bprocess\.|from\s+["']@hono\/node-server/.test(code);
}

/** Runs a `js` block as a module in `folder`, which contains the files that it reads; fails on any error. */
export async function runInNode({ code, document, line }, { folder, exported }) {
  mkdirSync(folder, { recursive: true });
  const name = `${document.replace(/\W+/g, "-")}-${line}.mjs`;
  const hooks = join(folder, "hooks.mjs");
  writeFileSync(hooks, HOOKS);
  writeFileSync(
    join(folder, name),
    `${preludeOf(code, { exported, dom: false }).replaceAll('"/models/', '"./models/')} ${code}`,
  );
  const child = spawn(process.execPath, ["--import", pathToFileURL(hooks).href, name], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: `--import ${new URL("hub.mjs", import.meta.url).href}` },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    timeout: TIMEOUT_MS,
  });
  const printed = [];
  child.on("message", (args) => printed.push(args));
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (piece) => (text += piece));
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(status, 0, text);
  checkPrinted(code, printed);
}
