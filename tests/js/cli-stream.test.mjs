// Files of any length: memory that doesn't grow, outputs that are closed early, and a terminal's display.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createWriteStream, readFileSync, statSync } from "node:fs";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { test } from "node:test";
import { CLI, scratch, start } from "./command.mjs";
import { ROOT, TINY } from "./support.mjs";

/** Runs a script in the command's process. */
const along = (script) => ["--import", `data:text/javascript,${encodeURIComponent(script)}`];

/** Prints the process's peak memory when it ends. */
const PEAK = along(
  'process.on("exit", () => process.stderr.write(`peak ${process.resourceUsage().maxRSS}\n`))',
);

/** Prints once when a write to the standard output is waiting and no other has followed for a while. */
const STALLS = along(`
  let last = -1;
  const look = setInterval(() => {
    const { writableLength, bytesWritten } = process.stdout;
    if (writableLength > 0 && bytesWritten === last) {
      clearInterval(look);
      process.stderr.write("stalled\\n");
    }
    last = bytesWritten;
  }, 200).unref();
`);

/** Sends a SIGTERM once the process has handled a SIGINT; signals sent together arrive in any order. */
const SECOND_SIGNAL = along('process.once("SIGINT", () => process.kill(process.pid, "SIGTERM"))');

async function many(path, count, line) {
  const file = createWriteStream(path);
  file.write("id,text,more\n");
  for (let i = 0; i < count; i++) if (!file.write(line(i))) await once(file, "drain");
  file.end();
  await once(file, "finish");
}

async function peak(args) {
  const { how, stderr } = await start(args, { node: PEAK }).ended;
  assert.equal(how, 0, stderr);
  return peakOf(stderr);
}

function peakOf(stderr) {
  return Number(/^peak (\d+)$/m.exec(stderr)[1]) / 1024;
}

test("a file a hundred times as long takes no more memory", { timeout: 300_000 }, async (t) => {
  const { path } = scratch(t);
  const more = "x".repeat(400);
  const [few, all] = [1_000, 100_000];
  const peaks = [];
  for (const count of [few, all]) {
    await many(path("in.csv"), count, (i) => `${i},ok ${i % 10},${more}\n`);
    peaks.push(await peak(["classify", path("in.csv"), "--model", TINY, "--out", path(`${count}.jsonl`)]));
  }
  assert.ok(statSync(path("in.csv")).size > 40e6);
  // V8 collects garbage only once it amounts to some tens of megabytes.
  assert.ok(peaks[1] < peaks[0] + 80, `${peaks.map((mib) => mib.toFixed(0)).join(" and ")} MiB`);
  let next = 0;
  for await (const line of createInterface({ input: createReadStream(path(`${all}.jsonl`)) }))
    assert.equal(JSON.parse(line).id, String(next++));
  assert.equal(next, all);
  const again = await peak([
    "classify",
    path("in.csv"),
    "--model",
    TINY,
    "--out",
    path(`${all}.jsonl`),
    "--resume",
  ]);
  assert.ok(again < peaks[0] + 80, `resumed: ${again.toFixed(0)} MiB`);
});

test("a closed output ends the command quietly", async (t) => {
  const { path } = scratch(t);
  await many(path("in.csv"), 50_000, (i) => `${i},ok,\n`);
  for (const args of [
    ["classify", path("in.csv"), "--model", TINY],
    ["one", "two", "--model", TINY, "--json"],
    ["--help"],
    ["info", TINY],
  ]) {
    const { status, stdout, stderr } = spawnSync(
      "bash",
      ["-c", `set -o pipefail; "$0" "$@" | head -n 1`, process.execPath, CLI, ...args],
      { encoding: "utf8", cwd: ROOT, timeout: 60_000 },
    );
    assert.deepEqual([status, stdout.split("\n").length, stderr], [0, 2, ""], args.join(" "));
  }
});

/** Starts the command with `scripts` and `rows` rows of 32 KiB; resolves once its reader stalls it. */
async function stalled(t, rows, scripts = []) {
  const { path } = scratch(t);
  const more = "y".repeat(32 << 10);
  await many(path("in.csv"), rows, (i) => `${i},ok,${more}\n`);
  const args = ["classify", path("in.csv"), "--model", TINY];
  const run = start(args, { node: [...PEAK, ...STALLS, ...scripts], stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => run.child.kill("SIGKILL"));
  run.child.stdout.removeAllListeners("data").pause(); // the output isn't needed
  while (!run.printed.stderr.includes("stalled\n")) await once(run.child.stderr, "data");
  return { ...run, args };
}

test("waits for a slow reader", { timeout: 300_000 }, async (t) => {
  const { child, ended, printed, args } = await stalled(t, 8_000);
  let lines = 0;
  child.stdout.on("data", (text) => (lines += text.split("\n").length - 1));
  child.stdout.resume();
  assert.equal((await ended).how, 0, printed.stderr);
  assert.equal(lines, 8_000);
  const baseline = await peak([...args, "--out", "/dev/null", "--json"]);
  // The output has 262 MB.
  assert.ok(
    peakOf(printed.stderr) < baseline + 80,
    `${peakOf(printed.stderr).toFixed(0)} and ${baseline.toFixed(0)} MiB`,
  );
});

for (const [name, signal, scripts, exitCode, message] of [
  ["Ctrl-C stops the command", "SIGINT", [], 130, /^tabsense: stopped by SIGINT\.$/m],
  ["SIGTERM stops the command", "SIGTERM", [], 143, /^tabsense: stopped by SIGTERM\.$/m],
  ["a second signal exits at once", "SIGINT", SECOND_SIGNAL, 143, /^(?!.*by SIGTERM)/s],
]) {
  test(`${name}, even if the output is not read`, { timeout: 60_000 }, async (t) => {
    const { child, ended } = await stalled(t, 300, scripts);
    const exit = once(child, "exit");
    child.kill(signal);
    assert.deepEqual(await exit, [exitCode, null]);
    child.stdout.resume();
    assert.match((await ended).stderr, message);
  });
}

test("shows progress only in a terminal", async (t) => {
  const { path, write } = scratch(t);
  await many(path("in.csv"), 20_000, (i) => `${i},ok,\n`);
  const args = ["classify", path("in.csv"), "--model", TINY, "--out", path("out.jsonl"), "--force"];
  assert.deepEqual((await start(args).ended).stderr, "");
  const line = [process.execPath, CLI, ...args].map((arg) => `'${arg}'`).join(" ");
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, COLUMNS: "100" },
  });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (shown += text));
  assert.equal((await once(child, "close"))[0], 0);
  assert.match(shown, /\r\x1b\[K\[#*-+\] +\d+ % {2}[\d,]+ texts {2}[\d.,]+ texts\/s {2}(\d+:\d\d|\?) left/);
  assert.match(shown, /\[#{24}\] 100 % {2}20,000 texts/);
  assert.match(shown, /out\.jsonl: 20000 texts in [\d.]+ s, [\d.,]+ texts\/s\r?\n$/);
  assert.equal(readFileSync(path("out.jsonl"), "utf8").split("\n").length, 20_001);
  const failing = spawnSync(
    "script",
    [
      "-qec",
      `'${process.execPath}' '${CLI}' '${write("bad.csv", "id,text\n1\n")}' --model '${TINY}'`,
      "/dev/null",
    ],
    { encoding: "utf8", cwd: ROOT },
  );
  assert.equal(failing.status, 1);
  assert.match(
    failing.stdout,
    /\r\x1b\[Ktabsense: invalid_argument: [^\r\n]+\r?\n$/,
    "the error has a line of its own",
  );
});
