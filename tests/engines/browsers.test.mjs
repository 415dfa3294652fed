// The features of each engine, and the build that it gets; docs/browsers.md says the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../package/support.mjs";
import { FEATURES, probe } from "./features.mjs";
import { inEachEngine } from "./harness.mjs";
import { startEngineSite } from "./site.mjs";

const DOCUMENT = "docs/browsers.md";

let site, isolated;

before(async () => {
  [site, isolated] = [await startEngineSite(), await startEngineSite({ isolated: true })];
});

after(async () => {
  await site?.close();
  await isolated?.close();
});

/** The table of features: for each engine, its version and its cells, by the first cell of their row. */
function documented() {
  const [head, , ...rows] = /^\| +\| Chromium [^]*?(?=\n\n)/m
    .exec(readFileSync(join(ROOT, DOCUMENT), "utf8"))[0]
    .split("\n")
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return Object.fromEntries(
    head.slice(1).map((title, at) => {
      const [name, version] = title.split(" ");
      return [name, { version, cells: Object.fromEntries(rows.map((row) => [row[0], row[at + 1]])) }];
    }),
  );
}

/** Whether a version is older than another, compared number by number. */
function older(version, other) {
  const [a, b] = [version, other].map((one) => one.split(".").map(Number.parseFloat));
  const at = b.findIndex((number, i) => number !== a[i]);
  return at >= 0 && a[at] < b[at];
}

inEachEngine(({ name, version, open }) => {
  test("records errors that a page throws or logs", async (t) => {
    const page = await open(t, site.url, /thrown on purpose|written on purpose/);
    await page.run(() => {
      console.error("written on purpose");
      setTimeout(() => {
        throw new Error("thrown on purpose");
      });
    });
    let seen = [];
    for (let i = 0; i < 500 && seen.length < 2; i++) {
      await sleep(20);
      seen = await page.problems();
    }
    assert.match(seen.sort().join(), /thrown on purpose.*written on purpose/);
    assert.equal(seen.length, 2);
  });

  test(`it gets the fastest build that it supports, as ${DOCUMENT} says`, async (t) => {
    const page = await open(t, site.url);
    const built = () =>
      page.run(async () => {
        const classifier = await tabsense.Classifier.load("/tiny/", { threads: 2 });
        const { build } = classifier.info;
        await classifier.dispose();
        return build;
      });
    const alone = await built();
    await page.goto(isolated.url);
    const apart = await built();
    const found = await page.run(probe);
    assert.equal(alone, found.relaxed ? "relaxed" : "simd");
    assert.equal(apart, found.threads ? `${alone}-threads` : alone);
    const cells = {
      "build, in a page that is not isolated": `\`${alone}\``,
      "build, in a page that is cross-origin isolated": `\`${apart}\``,
      ...Object.fromEntries(
        Object.entries(FEATURES).map(([key, words]) => [words, found[key] ? "yes" : "no"]),
      ),
    };
    const column = documented()[name];
    t.diagnostic(`${name} ${version()}; the document names ${column.version}`);
    if (older(version(), column.version))
      return t.skip(`${DOCUMENT} names ${name} ${column.version}, which is newer than this ${version()}`);
    assert.deepEqual(column.cells, cells, `${DOCUMENT}: the column of ${name}, here ${version()}`);
  });
});

test(`${DOCUMENT} names the versions of the runtimes that are tested`, () => {
  const text = readFileSync(join(ROOT, DOCUMENT), "utf8");
  const { optionalDependencies } = JSON.parse(
    readFileSync(join(ROOT, "tests/packages/package.json"), "utf8"),
  );
  for (const [name, wanted] of Object.entries(optionalDependencies)) {
    const version = wanted.split("@").at(-1);
    assert.ok(text.includes(version), `${name} ${version}`);
  }
});
