// The list of well-known models, the requests of a pick to the hub, and the second text for models of pairs.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { accessibilityFaults, HOURS, open, openReady, overflow, quiet, ROOT, site } from "./harness.mjs";
import { load as module } from "./modules.mjs";

const HUB = "https://huggingface.co";
const FIXTURES = join(ROOT, "test_data/models");
const MISSING = /404 \(Not Found\)/; // tokenizer_config.json, which the fixtures don't have

const { CATALOGUE } = await module("catalogue.ts");
const LISTED = CATALOGUE.flatMap(({ models }) => models);
const OWN = LISTED[0];

/** For each model on the hub: words, width, layers, feed-forward width and labels, from its config.json. */
const SHAPES = {
  "distilbert/distilbert-base-uncased-finetuned-sst-2-english": [30_522, 768, 6, 3072, 2],
  "lxyuan/distilbert-base-multilingual-cased-sentiments-student": [119_547, 768, 6, 3072, 3],
  "nlptown/bert-base-multilingual-uncased-sentiment": [105_879, 768, 12, 3072, 5],
  "cmarkea/distilcamembert-base-sentiment": [32_005, 768, 6, 3072, 5],
  "mrm8488/distilroberta-finetuned-financial-news-sentiment-analysis": [50_265, 768, 6, 3072, 3],
  "bhadresh-savani/distilbert-base-uncased-emotion": [30_522, 768, 6, 3072, 6],
  "SamLowe/roberta-base-go_emotions": [50_265, 768, 12, 3072, 28],
  "unitary/toxic-bert": [30_522, 768, 12, 3072, 6],
  "papluca/xlm-roberta-base-language-detection": [250_002, 768, 12, 3072, 20],
  "cross-encoder/nli-distilroberta-base": [50_265, 768, 6, 3072, 3],
  "cross-encoder/ms-marco-MiniLM-L6-v2": [30_522, 384, 6, 1536, 1],
  "cross-encoder/ms-marco-electra-base": [30_522, 768, 12, 3072, 1],
};

/** Rows of the position and token type embeddings. */
const POSITIONS = {
  distilbert: 512,
  bert: 514,
  electra: 514,
  roberta: 515,
  camembert: 515,
  "xlm-roberta": 515,
};

test("the sizes are those of the models' parameters in single precision, and of the page's own file", () => {
  assert.deepEqual(
    LISTED.slice(1).map(({ name }) => name),
    Object.keys(SHAPES),
  );
  assert.equal(OWN.bytes, statSync(join(ROOT, "models", OWN.name, "model.safetensors")).size);
  for (const { name, architecture, bytes } of LISTED.slice(1)) {
    const [words, width, layers, forward, labels] = SHAPES[name];
    const embeddings = (words + POSITIONS[architecture] + 2) * width;
    const layer = 4 * width * width + 2 * width * forward + 9 * width + forward;
    const head = width * width + width + labels * width + labels;
    assert.equal(bytes, 4 * (embeddings + layers * layer + head), name);
  }
});

test("each architecture of the list runs", () => {
  const runs = readFileSync(join(ROOT, "js/cli/architectures.ts"), "utf8");
  for (const { architecture } of LISTED) assert.match(runs, new RegExp(`^ {2}"?${architecture}"?: `, "m"));
});

/** Replaces the hub: each of its models is the folder `fixture`. Returns the requested URLs. */
async function serveHub(context, fixture) {
  const asked = [];
  await context.route(`${HUB}/**`, (route) => {
    const url = route.request().url();
    asked.push(url);
    const path = join(FIXTURES, fixture, new URL(url).pathname.split("/").at(-1));
    const headers = { "access-control-allow-origin": "*" };
    return route.fulfill(existsSync(path) ? { path, headers } : { status: 404, headers });
  });
  return asked;
}

/** Picks a model from the list, and waits until it is in use. */
async function pick({ page, part }, name) {
  await part("catalogue").selectOption(name);
  await part("model-load").click();
  await page.waitForFunction(
    (wanted) => document.querySelector('[data-testid="model-name"]').textContent === wanted,
    name,
  );
}

test("picking a model loads it from the hub by its name, and the list says which one is in use", async (t) => {
  const opened = await openReady(t);
  const { context, part, result, status, problems } = opened;
  const asked = await serveHub(context, "tiny-roberta");
  const { name } = LISTED.find(({ architecture }) => architecture === "roberta");
  assert.equal(await part("catalogue").inputValue(), OWN.name);
  await pick(opened, name);
  await status("ready");
  assert.equal(await part("catalogue").inputValue(), name);
  assert.equal(await part("model-source").inputValue(), name);
  assert.ok(["NEGATIVE", "NEUTRAL", "POSITIVE"].includes((await result()).label));
  assert.equal(await part("fact-architecture").textContent(), "roberta");
  assert.deepEqual(asked.toSorted(), [
    `${HUB}/api/models/${name}/tree/main?recursive=true`,
    ...["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"].map(
      (file) => `${HUB}/${name}/resolve/main/${file}`,
    ),
  ]);
  await pick(opened, OWN.name);
  assert.equal(await part("catalogue").inputValue(), OWN.name);
  quiet(problems, MISSING);
});

test("a pick that fails leaves the model in use chosen", async (t) => {
  const { context, part, status } = await openReady(t);
  await context.route(`${HUB}/**`, (route) =>
    route.fulfill({ status: 404, headers: { "access-control-allow-origin": "*" } }),
  );
  await part("catalogue").selectOption(LISTED[1].name);
  await part("model-load").click();
  await status("error");
  assert.equal(await part("catalogue").inputValue(), OWN.name);
});

test("every entry shows its name and what it classifies; once picked, its size and architecture", async (t) => {
  const { part, requests } = await openReady(t);
  const before = requests.length;
  for (const { name, summary, architecture } of LISTED) {
    const title = await part("catalogue").locator(`option[value="${name}"]`).textContent();
    assert.equal(title, `${name.split("/").at(-1)}: ${summary}`);
    await part("catalogue").selectOption(name);
    const about = await part("catalogue-about").textContent();
    for (const wanted of [summary, architecture, / \d+(\.\d)? [MG]B, /])
      assert.match(about, new RegExp(wanted));
    assert.equal(await part("model-source").inputValue(), name);
  }
  assert.equal(requests.length, before, "picking alone fetches nothing");
});

test("finds a typed name in the list, or says that it isn't there", async (t) => {
  const { page, part, load } = await openReady(t);
  await part("model-source").fill(LISTED[1].name);
  assert.equal(await part("catalogue").inputValue(), LISTED[1].name);
  await load("./fixtures/tiny-bert/");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-bert",
  );
  assert.equal(await part("catalogue").inputValue(), "");
  assert.equal(await part("catalogue-about").textContent(), "Not in this list.");
});

test("a model of pairs has a box for the second text, and its verdict is the engine's on the pair", async (t) => {
  const opened = await openReady(t);
  const { context, page, part, verdict, result, problems } = opened;
  assert.equal(await part("second").isVisible(), false, "sentiment-en reads one text");
  await serveHub(context, "tiny-bert");
  await pick(opened, "cross-encoder/ms-marco-MiniLM-L6-v2");
  await part("second-input").waitFor();
  const { models } = JSON.parse(readFileSync(join(ROOT, "test_data/goldens/pairs.json"), "utf8"));
  const [single, pair] = models.find(({ name }) => name === "tiny-bert").cases;
  const best = ({ scores }) => Math.max(...scores);
  assert.ok(Math.abs((await verdict(single.text)).score - best(single)) <= 1e-5);
  await part("second-input").fill(pair.pair);
  assert.equal(pair.text, single.text);
  assert.ok(Math.abs((await result()).score - best(pair)) <= 1e-5);
  assert.match(await part("code-text").textContent(), /classify\(\{ text: ".+", pair: ".+" \}, /);
  const last = part("tokens").locator("button:not(.special button)").last();
  assert.match(await last.getAttribute("aria-label"), / of the second text$/);

  await part("second-toggle").click();
  assert.ok(Math.abs((await result()).score - best(single)) <= 1e-5, "left out");
  assert.equal(await part("second-input").isVisible(), false);
  await part("second-toggle").click();
  assert.equal(await part("second-input").evaluate((input) => input === document.activeElement), true);
  assert.ok(Math.abs((await result()).score - best(pair)) <= 1e-5, "and back");
  await pick(opened, OWN.name);
  assert.equal((await verdict(HOURS.text)).label, HOURS.label);
  assert.equal(await part("second").isVisible(), false);
  assert.equal(
    await page.locator("[data-testid='examples'] button:visible", { hasText: "Praise" }).count(),
    1,
  );
  quiet(problems, MISSING);
});

test("a model that the list doesn't know is offered a second text; labels of pairs open the box", async (t) => {
  const { part, load, result, page, problems } = await openReady(t);
  const used = (name) =>
    page.waitForFunction(
      (wanted) => document.querySelector('[data-testid="model-name"]').textContent === wanted,
      name,
    );
  await load("./fixtures/tiny-bert/");
  await used("tiny-bert");
  await part("second-toggle").waitFor();
  assert.equal(await part("second-input").isVisible(), false);
  await load("./fixtures/tiny-mpnet/");
  await used("tiny-mpnet");
  await part("second-input").waitFor();
  await part("examples").getByRole("button", { name: "It contradicts" }).click();
  assert.equal(await part("second-input").inputValue(), "The stage is empty.");
  assert.ok(["entailment", "neutral", "contradiction"].includes((await result()).label));
  quiet(problems, MISSING);
});

for (const colorScheme of ["light", "dark"]) {
  test(`with the list and the second text open, axe finds nothing and nothing overflows, ${colorScheme}`, async (t) => {
    const server = await site(t);
    const opened = await open(t, server.url, { colorScheme, viewport: { width: 360, height: 740 } });
    await opened.status("ready");
    await serveHub(opened.context, "tiny-bert");
    await pick(opened, "cross-encoder/nli-distilroberta-base");
    await opened.part("second-input").fill("Averyveryverylongwordwithoutanyspaces".repeat(12));
    await opened.result();
    assert.deepEqual(await accessibilityFaults(opened.page), []);
    assert.equal(await overflow(opened.page), 0);
  });
}
