// Helpers for the tests of Teach, Redact and Zero-shot: small random models, always available, and real ones.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setUpModel } from "../../scripts/models.mjs";
import { open, ROOT, scratch, site, TINY } from "./harness.mjs";

/** The prefix of the test ids in each tab. */
export const IDS = { teach: "teach", redact: "redact", "zero-shot": "zero" };

/** A random tagger with three labels, made from the random classifier, whose head has the same size. */
export function smallTagger(t) {
  const folder = scratch(t);
  const config = JSON.parse(readFileSync(join(TINY, "config.json"), "utf8"));
  const labels = ["O", "B-GIVEN_NAME", "B-CITY"];
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({
      ...config,
      architectures: ["DistilBertForTokenClassification"],
      id2label: Object.fromEntries(labels.map((label, at) => [at, label])),
      label2id: Object.fromEntries(labels.map((label, at) => [label, at])),
    }),
  );
  for (const name of ["model.safetensors", "tokenizer.json"])
    copyFileSync(join(TINY, name), join(folder, name));
  return folder;
}

/** The folder of a model: in models/, one of `others`, or fetched; otherwise null and the reason. */
async function real(name, file, ...others) {
  const folder = [join(ROOT, "models", name), ...others].find((one) => existsSync(join(one, file)));
  if (folder) return { folder, skip: false };
  try {
    return { folder: await setUpModel(name), skip: false };
  } catch (error) {
    return { folder: null, skip: `${name} is not here: ${error.message}` };
  }
}

/** The encoder of Teach and Zero-shot, and the tagger of Redact. */
export const ENCODER = await real(
  "minilm-en",
  "model.safetensors",
  join(homedir(), ".cache/tabsense/real-models/all-MiniLM-L6-v2"),
);
export const TAGGER = await real("pii-en", "onnx/model_q4.onnx");

/** Serves the page with these models, random ones by default. */
export function labSite(t, { encoder = TINY, tagger = smallTagger(t) } = {}) {
  return site(t, { "/models/minilm-en/": encoder, "/models/pii-en/": tagger });
}

/** Opens a tab; nothing is loaded yet. */
export async function openTab(t, tab, { models = {}, ...contextOptions } = {}) {
  const server = await labSite(t, models);
  const opened = await open(t, `${server.url}#${tab}`, contextOptions);
  const id = IDS[tab];
  await opened.part(`${id}-gate-load`).waitFor();
  const { page, part } = opened;
  return {
    server,
    ...opened,
    gate: (state) => page.waitForSelector(`[data-testid="${id}-gate"][data-state="${state}"]`),
    /** Waits until the text of an element matches. */
    waitForText: (name, pattern) =>
      page.waitForFunction(
        ([one, source]) =>
          new RegExp(source).test(document.querySelector(`[data-testid="${one}"]`).textContent),
        [name, pattern.source],
      ),
    focused: () =>
      page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.textContent),
    async load() {
      await part(`${id}-gate-load`).click();
      await page.waitForSelector(`[data-testid="${id}-gate"][data-state="ready"]`);
    },
  };
}

/** Opens the Teach tab, loads the model and waits until the starter examples are learnt. */
export async function openTaught(t, options) {
  const opened = await openTab(t, "teach", options);
  await opened.load();
  const waitUntilTrained = () =>
    opened.page.waitForSelector('[data-testid="teach-status"][data-state="ready"]');
  await waitUntilTrained();
  return {
    ...opened,
    waitUntilTrained,
    /** Waits until this many examples are learnt. */
    waitForExamples: (count) =>
      opened.waitForText("teach-status", new RegExp(`^Trained on ${count} example`)),
    counts: () => opened.part("teach-counts").textContent(),
    /** The labels as chips, with their counts. */
    async chips() {
      const chips = await opened.part("teach-labels-list").locator(".label-name").all();
      return Promise.all(chips.map((chip) => chip.locator("span").allTextContents()));
    },
    async choose(name, content) {
      await opened
        .part("teach-file")
        .setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(content) });
    },
  };
}

/** Asserts that the chips have the expected names. */
export async function assertLabels(list, expected) {
  assert.deepEqual(await list.locator(".label-name span:first-child").allTextContents(), expected);
}
