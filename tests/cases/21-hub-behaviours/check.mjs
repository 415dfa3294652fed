// Behaviours of a hub and its CDN, from Node and from a page of another origin.   node check.mjs [ORG…]
import { createHash } from "node:crypto";
import {
  chromium,
  CPU,
  folderOf,
  GOOD,
  join,
  json,
  readFileSync,
  report,
  site,
  start,
  tabsense,
  TEXT,
} from "../_tools/tools.mjs";
const T = await tabsense();
const { check, ok, message, skip, end } = report();
const { scores } = json(join(GOOD, "../expected.json"));
const { url: hub } = await start(join(folderOf(import.meta.url), "hub.mjs"));
const digest = `sha256-${createHash("sha256")
  .update(readFileSync(join(GOOD, "model.safetensors")))
  .digest("hex")}`;
const log = async () => (await fetch(`${hub}/log`)).json();
const right = (got) =>
  typeof got !== "string" && got.every(({ label, score }) => Math.abs(score - scores[label]) < 1e-5);

/** Loads, classifies, and reports the result and its observations. Runs here and in a page. */
async function attempt([name, options, text, use]) {
  const { Classifier, pipeline, listCachedFiles } = use ?? (await import("/tabsense/index.js"));
  const seen = [];
  const started = performance.now();
  let got;
  try {
    const loaded = options.pipeline
      ? await pipeline("text-classification", name, options.pipeline)
      : await Classifier.load(name, {
          ...options,
          onProgress: ({ file, bytes, total }) => seen.push([file, bytes, total]),
        });
    got = await (loaded.classifier ?? loaded).classify(text, { topK: null });
    await loaded.dispose();
  } catch (error) {
    got = `${error.kind}: ${error.message}`;
  }
  return {
    got,
    ms: performance.now() - started,
    over: seen.some(([, bytes, total]) => total !== null && bytes > total),
    back: seen.some(([file, bytes], i) =>
      seen.slice(0, i).some(([other, before]) => other === file && before > bytes),
    ),
    kept: (await listCachedFiles()).length,
  };
}
/**
 * Expects a "network" error, soon, whose message matches; patterns after "~" must match outside of addresses.
 */
const fails =
  (...says) =>
  ({ got, ms }, what) => {
    if (typeof got !== "string" || !got.startsWith("network: ")) return check(false, `${what}: network`, got);
    if (ms > 10_000) return check(false, `${what}: soon`, `${ms} ms`);
    const lacks = says.filter(
      (pattern) =>
        !new RegExp(pattern.replace("~", ""), "i").test(
          pattern.startsWith("~") ? got.replace(/https?:\S+/g, "") : got,
        ),
    );
    (lacks.length > 0 ? message : ok)(
      `${what}: a sentence that says ${lacks.map((pattern) => `/${pattern.replace("~", "")}/`).join(", ")}`,
      got,
    );
  };
const loads = ({ got, over, back }, what) =>
  check(
    right(got) && !over && !back,
    `${what}: loads, progress goes from 0 to 100 %`,
    JSON.stringify({ got, over, back }),
  );
const ONNX = { pipeline: { ...CPU, hub } };
const CALLS = [
  ["ok/model", {}, loads],
  ["renamed/model", {}, loads],
  ["gated/model", {}, fails("401", "~gated|private|permission|access")],
  ["nosuch/model", {}, fails("401", "~gated|private|permission|access")],
  ["disabled/model", {}, fails("403")],
  ["ok/model@v9", {}, fails("404", "v9")],
  ["onnxonly/model", {}, fails("404", "model.safetensors")],
  ["vocabonly/model", {}, loads],
  ["novocab/model", {}, fails("404", "tokenizer.json", "vocab.txt")],
  ["onnxonly/model", ONNX, fails("404", "ONNX")],
  ["vocabonly/model", ONNX, loads],
  ["novocab/model", ONNX, fails("404", "vocabulary")],
  ["busy/model", {}, loads],
  ["overloaded/model", {}, fails("429")],
  ["expiring/model", {}, loads],
  ["rotating/model", {}, loads],
  ["rotating/model", { integrity: { "model.safetensors": digest } }, loads],
  ["rangeless/model", {}, loads],
  ["changing/model", {}, loads],
  ["changing/model", {}, loads],
  ["gzip/model", {}, loads],
  ["nopreflight/model", {}, loads],
  ["headless/model", {}, loads],
  ["wrongdigest/model", {}, loads],
  ["wrongdigest/model", { integrity: { "model.safetensors": digest } }, loads],
  ["loop/model", {}, fails()],
];
const wanted = (calls) =>
  calls.filter(([name]) => process.argv.length < 3 || process.argv.slice(2).includes(name.split("/")[0]));
async function all(where, calls, run) {
  let last = "";
  for (const [name, options, checkResult] of wanted(calls)) {
    // The second start of the same model sees the state that the first one left.
    const again = name === "changing/model" && last === name;
    if (!again) await fetch(`${hub}/reset`);
    last = name;
    const what = `${where} ${name}${options.pipeline ? " (pipeline)" : Object.keys(options).length > 0 ? ` ${Object.keys(options)}` : ""}`;
    const seen = await run([name, options.pipeline ? options : { ...CPU, hub, ...options }, TEXT], again);
    checkResult(seen, what);
    const requests = await log();
    check(
      requests.every(
        ({ method, auth, cookie }) => ["GET", "HEAD"].includes(method) && auth === null && cookie === null,
      ),
      `${what}: plain requests, nothing of the caller's`,
      requests.find(({ method }) => !["GET", "HEAD"].includes(method)),
    );
    if (/^(gated|nosuch|disabled|loop|ok.model@)/.test(name))
      check(seen.kept === 0, `${what}: nothing is kept`, seen.kept);
  }
}
await all("Node", [...CALLS, ["nocors/model", {}, loads]], async (given, again) => {
  if (!again) await T.clearCachedFiles();
  return attempt([...given, T]);
});
const browsers = await chromium();
if (browsers === null) skip("page");
else {
  const [browser, page_] = [await browsers.launch(), await site()];
  let context = null;
  let page;
  await all("Page", [...CALLS, ["nocors/model", {}, fails("CORS")]], async (given, again) => {
    if (!again) {
      await context?.close();
      context = await browser.newContext();
      page = await context.newPage();
      await page.goto(page_.url);
    }
    return page.evaluate(attempt, given);
  });
  await browser.close();
  page_.close();
}
end();
process.exit();
