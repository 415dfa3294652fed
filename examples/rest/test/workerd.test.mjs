// The service on workerd, over real HTTP: built, and served from the same configuration as `npm run
// start:workerd`.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { HOURS, post, refused, SENTIMENT } from "./support.mjs";

const HOME = fileURLToPath(new URL("..", import.meta.url));

/**
 * The program itself. `.bin/workerd` can be a script that starts it, and killing the script would
 * leave the program running.
 */
const { default: WORKERD } = createRequire(import.meta.url)("workerd");

/** The package's entry for workerd accepts a compiled module; a build without that entry can't run there. */
const { exports } = JSON.parse(readFileSync(`${HOME}node_modules/tabsense/package.json`, "utf8"));
const skip = exports["."].workerd ? false : "this build of the package has no entry for workerd";

describe("workerd", { skip }, () => {
  let child, url;
  let log = "";
  before(async () => {
    const { status, stderr } = spawnSync("npm", ["run", "--silent", "build:workerd"], {
      cwd: HOME,
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    child = spawn(
      WORKERD,
      [
        "serve",
        "workerd.capnp",
        "--socket-addr",
        `http=127.0.0.1:${port}`,
        "--directory-path",
        `model=${SENTIMENT}`,
      ],
      { cwd: HOME, stdio: ["ignore", "pipe", "pipe"] },
    );
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (log += text));
    for (const end = Date.now() + 60_000; Date.now() < end && child.exitCode === null; ) {
      if ((await fetch(`${url}/health`).catch(() => null))?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(`it is not ready:\n${log}`);
  });
  after(() => child?.kill("SIGKILL"));

  test("texts, all labels", async () => {
    const { status, body } = await post(url, {
      texts: ["A delight from start to finish.", HOURS],
      topK: null,
    });
    assert.equal(status, 200, `${JSON.stringify(body)}\n${log}`);
    assert.deepEqual(
      body.results.map((scores) => scores.map(({ label }) => label)),
      [
        ["POSITIVE", "NEUTRAL", "NEGATIVE"],
        ["NEGATIVE", "NEUTRAL", "POSITIVE"],
      ],
    );
  });

  test("calls at the same time", async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        post(url, { text: i % 2 ? HOURS : "A delight from start to finish." }),
      ),
    );
    assert.deepEqual(
      answers.map(({ body }) => body.results?.[0][0].label),
      Array.from({ length: 6 }, (_, i) => (i % 2 ? "NEGATIVE" : "POSITIVE")),
    );
  });

  test("what is refused", async () => {
    refused(await post(url, { texts: [] }), 400, "invalid_argument");
    refused(await post(url, { texts: Array(65).fill("a") }), 413, "too_many_texts");
    refused(await post(url, { texts: Array(60).fill("a".repeat(9_000)) }), 413, "body_too_large");
  });

  test("health", async () => {
    const response = await fetch(`${url}/health`);
    assert.deepEqual([response.status, await response.json()], [200, { status: "ready", calls: 0 }]);
  });
});

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
