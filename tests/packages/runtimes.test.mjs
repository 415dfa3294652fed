// Projects that run outside of a browser: in this and other versions of Node, Deno, Bun, and workerd.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import {
  command,
  HERE,
  MODULES,
  runIn,
  setUpConsumers,
  site,
  startServer,
  TEXT,
  VERDICT,
} from "./support.mjs";

before(setUpConsumers);

/**
 * From the packages for one system: packages that choose a system do it in an install script, and no install
 * scripts run here.
 */
const PROGRAMS = {
  "node 22": join(MODULES, "node-22/bin/node"),
  "node 24": join(MODULES, "node-24/bin/node"),
  deno: join(MODULES, "@deno/linux-x64-glibc/deno"),
  bun: join(MODULES, "@oven/bun-linux-x64-baseline/bin/bun"),
  workerd: join(MODULES, "@cloudflare/workerd-linux-64/bin/workerd"),
};

/** The programs are for one system; on others, these tests are skipped. */
const skip =
  process.platform === "linux" && process.arch === "x64"
    ? false
    : "its program is installed on Linux (x64) alone";

for (const script of ["main.js", "model.js"]) {
  test(`node: ${script}`, async () => assert.match((await runIn("node", [script])).trim(), VERDICT));
}

for (const name of ["node 22", "node 24"]) {
  test(name, { skip }, async () => {
    const folder = join(HERE, "node");
    assert.match(await command(PROGRAMS[name], ["--version"], folder), new RegExp(`^v${name.slice(5)}\\.`));
    for (const script of ["main.js", "model.js"])
      assert.match((await command(PROGRAMS[name], [script], folder)).trim(), VERDICT);
  });
}

test("deno", { skip }, async () => {
  assert.match(
    (
      await command(
        PROGRAMS.deno,
        [
          "run",
          "--node-modules-dir=manual",
          "--no-lock",
          "--allow-read",
          "--allow-env",
          "--allow-sys",
          "main.js",
        ],
        join(HERE, "deno"),
      )
    ).trim(),
    VERDICT,
  );
});

test("bun", { skip }, async () => {
  assert.match((await command(PROGRAMS.bun, ["run", "main.js"], join(HERE, "bun"))).trim(), VERDICT);
});

test("workerd", { skip }, async (t) => {
  assert.ok(existsSync(PROGRAMS.workerd));
  await runIn("workerd", ["build.js"]);
  const models = await site(t, { "/sentiment-en/": join(MODULES, "tabsense-sentiment-en") });
  const [, port] = await startServer(
    t,
    PROGRAMS.workerd,
    ["serve", "config.capnp", "--verbose", "--control-fd=1"],
    join(HERE, "workerd"),
    /"port":(\d+)/,
    { MODELS: models.url },
  );
  const ask = async (text) =>
    (await fetch(`http://localhost:${port}/?text=${encodeURIComponent(text)}`)).json();
  for (let i = 0; i < 2; i++) {
    const [{ label, score }] = await ask(TEXT);
    assert.match(`${label} ${score.toFixed(3)}`, VERDICT);
  }
  const together = await Promise.all([ask(TEXT), ask("A waste of two hours.")]);
  assert.deepEqual(
    together.map(([{ label }]) => label),
    ["POSITIVE", "NEGATIVE"],
  );
  assert.deepEqual(await ask(""), []);
  assert.equal(models.requests.length, 4, "its four files are loaded once");
});
