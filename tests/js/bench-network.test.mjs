// The benchmark of starts on a slow line: its server keeps the rate, its harness runs. No speed is judged.

import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { tokenBucket } from "../../bench/network/bucket.mjs";
import { KEPT, networkPage, networkPart, PAGE, withNetworkPart } from "../../bench/network/document.mjs";
import { measurePlan, readPlan } from "../../bench/network/measure.mjs";
import { startLine } from "../../bench/network/server.mjs";
import { setUpPackages } from "../../bench/setup.mjs";
import { ROOT } from "./support.mjs";

/** A folder that is laid out as a repository for transformers.js. */
function repository(t) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-network-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const model = join(ROOT, "test_data/models/mini-distilbert");
  for (const name of ["config.json", "tokenizer.json"]) cpSync(join(model, name), join(folder, name));
  cpSync(join(ROOT, "test_data/onnx/mini-distilbert-q8.onnx"), join(folder, "onnx/model_quantized.onnx"));
  return folder;
}

test("a bucket gives all who take from it no more than its rate", async () => {
  const rate = 2e6;
  const start = performance.now();
  const take = tokenBucket(rate);
  let taken = 0;
  const taker = async () => {
    for (let i = 0; i < 20; i++) {
      await take(10_000);
      taken += 10_000;
      const seconds = (performance.now() - start) / 1000;
      assert.ok(taken <= rate * seconds + 1, `${taken} bytes after ${seconds} s`);
    }
  };
  await Promise.all([taker(), taker()]);
  assert.equal(taken, 400_000);
});

test("code comes in brotli, the model as it is, and both count", async (t) => {
  const site = mkdtempSync(join(tmpdir(), "tabsense-site-"));
  t.after(() => rmSync(site, { recursive: true, force: true }));
  const code = "export const text = 'again and again and again';\n".repeat(100);
  writeFileSync(join(site, "a.js"), code);
  const folder = repository(t);
  const line = await startLine({ "/code/": site }, { name: "org/name", folder });
  t.after(line.close);
  const get = (path, headers) => fetch(`${line.url}${path}`, { headers });
  const script = await get("code/a.js", { "accept-encoding": "br" });
  assert.equal(script.headers.get("content-encoding"), "br");
  assert.equal(await script.text(), code);
  const weights = await get("org/name/resolve/main/onnx/model_quantized.onnx");
  const bytes = new Uint8Array(await weights.arrayBuffer());
  assert.equal(weights.headers.get("content-encoding"), null);
  const part = await get("org/name/resolve/main/onnx/model_quantized.onnx", { range: "bytes=5-8" });
  assert.deepEqual([part.status, new Uint8Array(await part.arrayBuffer())], [206, bytes.slice(5, 9)]);
  const listed = await (await get("api/models/org/name/tree/main?recursive=true")).json();
  assert.ok(listed.some(({ path, size }) => path === "onnx/model_quantized.onnx" && size === bytes.length));
  for (const path of [
    "code/b.js",
    "code/../package.json",
    "org/name/resolve/main/absent",
    "org/other/resolve/main/config.json",
  ])
    assert.equal((await get(path)).status, 404, path);
  const sent = line.sent();
  assert.equal(sent.code, Number(script.headers.get("content-length")));
  assert.ok(sent.model > bytes.length + 4);
  line.limit(0);
  assert.deepEqual(line.sent(), { code: 0, model: 0 });
});

test("a run yields a table, and the page and the README's part show it", async (t) => {
  await setUpPackages({ peers: false });
  const plan = readPlan(join(ROOT, "bench/network.toml"), {
    rates: [200, 0],
    starts: 1,
    rest: 0,
    warm_up: 1,
    requests: 2,
    libraries: ["tabsense"],
    model: { name: "mini", onnx: relative(ROOT, repository(t)) },
  });
  const result = await measurePlan(plan, process.env.CHROMIUM || "/usr/bin/chromium");
  assert.deepEqual(
    result.rows.map(({ rate, libraries }) => [rate, libraries.map(({ library }) => library)]),
    [
      [200, ["tabsense"]],
      [0, ["tabsense"]],
    ],
  );
  for (const { libraries } of result.rows)
    for (const { firstLabel, p50, bytes, transfer } of libraries) {
      assert.ok(firstLabel > (transfer ?? 0) && p50 > 0);
      assert.ok(bytes.code > 100_000 && bytes.model > 44_377, JSON.stringify(bytes));
    }
  assert.deepEqual(result.agreement, { equal: 3, of: 3 });
  assert.match(networkPage(result), /\| 200 Mbit\/s +\|/);
  const readme = "a\n<!-- network:start -->\nold\n<!-- network:end -->\nb\n";
  assert.equal(
    withNetworkPart(readme, result),
    `a\n<!-- network:start -->\n${networkPart(result)}\n<!-- network:end -->\nb\n`,
  );
  assert.equal(withNetworkPart("no markers", result), "no markers");
});

const none = !existsSync(join(ROOT, KEPT)) && "no result is kept yet";

test("the page and the README show the result that is kept", { skip: none }, () => {
  const read = (path) => readFileSync(join(ROOT, path), "utf8");
  const result = JSON.parse(read(KEPT));
  assert.equal(read(PAGE), networkPage(result), `${PAGE} is not of ${KEPT}`);
  assert.ok(read("README.md").includes(networkPart(result)), `the README is not of ${KEPT}`);
});
