// Models without tokenizer.json: the tokenizer is read from vocab.txt, from vocab.json and merges.txt, or
// from the SentencePiece file.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier, pipeline } from "tabsense";
import { olderFilesOf } from "../../dist/files/older-files.js";
import { shortTexts, digestOf, olderFolders, withVocabTxt } from "./older.mjs";
import { filesOf, rejects, ROOT, serveModel, TINY } from "./support.mjs";

const TEXT = "a small test, and one of more words";
const SMALL = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];
const FURTHER = ["special_tokens_map.json", "added_tokens.json"];
const encoded = (value) => new TextEncoder().encode(JSON.stringify(value));

async function scoresOf(source, options) {
  const classifier = await Classifier.load(source, { cache: false, ...options });
  try {
    return await classifier.classify(TEXT, { topK: null });
  } finally {
    await classifier.dispose();
  }
}

const expected = scoresOf(TINY);

/** Writes files to a temporary folder. */
function folderOf(t, files) {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-older-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}

const sorted = (requests) => requests.map((path) => path.split("/").at(-1)).sort();

test("the tokens of each folder are Python's", async (t) => {
  const texts = shortTexts();
  assert.ok(texts.length > 1500);
  const folders = olderFolders();
  assert.equal(folders.length, 21);
  for (const { name, files, digests } of folders) {
    await t.test(name, async () => {
      const classifier = await Classifier.load(files, { worker: false });
      const answers = await classifier.classify(
        texts.map(({ text }) => text),
        { details: true },
      );
      await classifier.dispose();
      const wrong = answers.filter(
        ({ tokens }, i) =>
          tokens.length > 0 &&
          digestOf(texts[i].text, tokens) !== digests.slice(4 * texts[i].index, 4 * texts[i].index + 4),
      );
      assert.deepEqual(wrong, []);
      assert.ok(answers.filter(({ tokens }) => tokens.length > 0).length > 1000);
    });
  }
});

for (const worker of [true, false]) {
  test(`every source gives the scores of the model with tokenizer.json, worker: ${worker}`, async (t) => {
    const files = withVocabTxt();
    const { File } = await import("node:buffer");
    const { url, requests } = await serveModel(t, files);
    const blobs = Object.entries(files).map(([name, bytes]) => new File([bytes], name));
    const streams = Object.entries(files).map(([name, bytes]) => [name, new Blob([bytes]).stream()]);
    for (const source of [url, folderOf(t, files), files, blobs, Object.fromEntries(streams)])
      assert.deepEqual(await scoresOf(source, { worker }), await expected);
    assert.deepEqual(sorted(requests), [...SMALL, ...FURTHER, "vocab.txt"].sort());
  });
}

test("doesn't request older lists if tokenizer_config.json lists the added tokens", async (t) => {
  const files = { ...withVocabTxt(), "tokenizer_config.json": encoded({ added_tokens_decoder: {} }) };
  const { url, requests } = await serveModel(t, files);
  await scoresOf(url);
  assert.deepEqual(sorted(requests), [...SMALL, "vocab.txt"].sort());
});

test("falls back to older files for any answer in place of tokenizer.json", async (t) => {
  const page = (_, response) => response.end("<!doctype html><title>the app</title>");
  const status = (code) => (_, response) => response.writeHead(code).end();
  for (const answer of [status(403), status(404), status(410), page]) {
    const handlers = Object.fromEntries(["tokenizer.json", ...FURTHER].map((name) => [name, answer]));
    const { url } = await serveModel(t, withVocabTxt(), handlers);
    assert.deepEqual(await scoresOf(url), await expected);
  }
  const { url, requests } = await serveModel(t, withVocabTxt(), { "tokenizer.json": status(400) });
  await rejects("network", scoresOf(url), /tokenizer\.json answered 400/);
  assert.ok(!requests.includes("/model/vocab.txt"), "a server that fails doesn't say that it isn't there");
});

test("files beside a tokenizer.json are not read", async (t) => {
  const files = { ...filesOf(), "vocab.txt": encoded("none") };
  const { url, requests } = await serveModel(t, files);
  for (const source of [url, folderOf(t, files), files])
    assert.deepEqual(await scoresOf(source), await expected);
  assert.deepEqual(sorted(requests), [...SMALL].sort());
});

test("the error names all files that were tried", async (t) => {
  const { "vocab.txt": _, ...none } = withVocabTxt();
  const { url } = await serveModel(t, none);
  await rejects(
    "network",
    scoresOf(url),
    /tokenizer\.json answered 404.*tokenizer is read from vocab\.txt, which is missing, too\.$/,
  );
  await rejects("network", scoresOf(folderOf(t, none)), /tokenizer\.json could not be read.*vocab\.txt/);
  await rejects("invalid_argument", scoresOf(none), /lacks tokenizer\.json/);

  const roberta = olderFolders().find(({ name }) => name === "RoBERTa: vocab.json and merges.txt").files;
  const { "merges.txt": __, ...half } = roberta;
  const message = /vocab\.json and merges\.txt, and of these merges\.txt is missing, too\.$/;
  await rejects("network", scoresOf((await serveModel(t, half)).url), message);
  await rejects("network", scoresOf(folderOf(t, half)), message);
  await rejects("invalid_argument", scoresOf(half), message);
  await rejects("invalid_argument", scoresOf({ ...none, "spm.model": new Uint8Array(9) }), /vocab\.txt/);
});

test("rejects a tokenizer class that has no older files", async (t) => {
  const named = { ...withVocabTxt(), "tokenizer_config.json": encoded({ tokenizer_class: "GPT2Tokenizer" }) };
  const { url } = await serveModel(t, named);
  for (const source of [url, named])
    await rejects("tokenizer_invalid", scoresOf(source), /There is no tokenizer\.json/);
});

test("accepts a SentencePiece file of any name if it is passed", async () => {
  const { files } = olderFolders().find(({ name }) => name === "XLM-R: sentencepiece.bpe.model");
  const { "sentencepiece.bpe.model": pieces, ...others } = files;
  assert.deepEqual(await scoresOf({ ...others, "spiece.model": pieces }), await scoresOf(files));
});

test("checks the digest of an older file, and rejects the digest of a file that isn't read", async (t) => {
  const integrity = { "vocab.txt": `sha256-${"0".repeat(64)}` };
  const { url } = await serveModel(t, withVocabTxt());
  for (const source of [url, withVocabTxt()])
    await rejects("integrity", scoresOf(source, { integrity }), /vocab\.txt doesn't match its digest/);
  await rejects("integrity", scoresOf(TINY, { integrity }), /vocab\.txt, .* is read from tokenizer\.json/);
  const other = { "tokenizer.json": integrity["vocab.txt"] };
  await rejects("integrity", scoresOf(url, { integrity: other }), /tokenizer\.json, which .* doesn't have/);
});

test("rejects older files that never end", async (t) => {
  for (const name of FURTHER) {
    const endless = (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20, "x")));
      };
      response.on("drain", more);
      more();
    };
    const { url } = await serveModel(t, withVocabTxt(), { [name]: endless });
    await rejects("not_a_model", scoresOf(url), new RegExp(`${name.replace(".", "\\.")} is longer than`));
  }
});

test("copies hold the older files, and that tokenizer.json isn't there", async (t) => {
  const before = process.env.TABSENSE_CACHE;
  process.env.TABSENSE_CACHE = mkdtempSync(join(tmpdir(), "tabsense-copies-"));
  t.after(() => {
    rmSync(process.env.TABSENSE_CACHE, { recursive: true, force: true });
    process.env.TABSENSE_CACHE = before;
  });
  const files = withVocabTxt();
  let asked = [];
  let down = false;
  const answer = (name) => (request, response) => {
    if (down) return response.destroy();
    const etag = files[name] && `"${files[name].length}"`;
    const same = etag && request.headers["if-none-match"] === etag;
    asked.push(`${name} ${!files[name] ? 404 : same ? 304 : 200}`);
    if (!files[name]) return response.writeHead(404).end();
    if (same) return response.writeHead(304, { etag }).end();
    response.writeHead(200, { etag, "content-length": files[name].length }).end(files[name]);
  };
  const names = [...SMALL, ...FURTHER, "vocab.txt"];
  const { url } = await serveModel(t, {}, Object.fromEntries(names.map((name) => [name, answer(name)])));
  const start = async () => {
    asked = [];
    assert.deepEqual(await scoresOf(url, { cache: true }), await expected);
    return asked.sort();
  };
  const answers = (status) => names.map((name) => `${name} ${files[name] ? status : 404}`).sort();
  assert.deepEqual(await start(), answers(200));
  assert.deepEqual(await start(), answers(304));
  down = true;
  assert.deepEqual(await start(), []);
  down = false;
  files["tokenizer.json"] = filesOf()["tokenizer.json"];
  const now = await start();
  assert.ok(now.includes("tokenizer.json 200"), "it is there now");
  files["vocab.txt"] = encoded("none");
  assert.ok(!(await start()).some((line) => line.startsWith("vocab.txt")), "it is no longer needed");
});

test("progress names the files, and goes to its end", async (t) => {
  const { files } = olderFolders().find(({ name }) => name === "RoBERTa: vocab.json and merges.txt");
  const { url } = await serveModel(t, files);
  const events = [];
  await scoresOf(url, { onProgress: (event) => events.push(event) });
  const of = (file) => events.filter((event) => event.file === file).at(-1);
  for (const name of ["vocab.json", "merges.txt"]) {
    const { stage, bytes, total } = of(name);
    assert.deepEqual([stage, bytes, total], ["tokenizer", files[name].length, files[name].length]);
  }
  assert.ok(events.every(({ overall }, i) => i === 0 || overall >= events[i - 1].overall));
  assert.equal(events.at(-1).overall, 1);
});

test("pipeline reports progress of older files like any other file", async (t) => {
  const { url } = await serveModel(t, withVocabTxt());
  const events = [];
  const classify = await pipeline("text-classification", url, {
    progress_callback: (event) => events.push(event),
  });
  await classify.dispose();
  const statuses = events.filter(({ file }) => file === "vocab.txt").map(({ status }) => status);
  assert.deepEqual(statuses, ["initiate", "download", "progress", "done"]);
  assert.ok(events.some(({ status }) => status === "progress_total"));
  assert.ok(!events.some(({ status, file }) => status === "done" && file === "tokenizer.json"));
});

test("classes and types are those of the engine", () => {
  const source = readFileSync(join(ROOT, "src/tokenize/read/class.rs"), "utf8");
  const table = source.slice(source.indexOf("pub fn of("), source.indexOf("/// Its name in Python"));
  const files = {
    Bert: ["vocab.txt"],
    MpNet: ["vocab.txt"],
    Roberta: ["vocab.json", "merges.txt"],
    XlmRoberta: ["sentencepiece.bpe.model"],
    Camembert: ["sentencepiece.bpe.model"],
    DebertaV2: ["spm.model"],
  };
  let count = 0;
  for (const [, names, kind] of table.matchAll(/((?:"[\w-]+"[\s|,]*)+)\)?\s*=>[\s{]*Some\(Self::(\w+)\)/g)) {
    for (const [, name] of names.matchAll(/"([\w-]+)"/g)) {
      const [config, settings] = name.endsWith("Tokenizer")
        ? [{ model_type: "other" }, { tokenizer_class: `${name}Fast` }]
        : [{ model_type: name }, {}];
      assert.deepEqual(olderFilesOf(encoded(config), encoded(settings)).vocabulary, files[kind], name);
      count++;
    }
  }
  assert.equal(count, [...table.matchAll(/"([\w-]+)"/g)].length - 1, "all but the suffix");
  assert.equal(olderFilesOf(encoded({ model_type: "t5" }), undefined), null);
  assert.equal(
    olderFilesOf(encoded({ model_type: "bert", tokenizer_class: "T5Tokenizer" }), undefined),
    null,
  );
});
