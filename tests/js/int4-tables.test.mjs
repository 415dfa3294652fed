// `tabsense convert --dtype int4 --tables int4`: the word embedding table in 4 bits.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Classifier } from "tabsense";
import { scratch, tabsense } from "./random-model.mjs";

const WORDS = "distilbert.embeddings.word_embeddings.weight";
const GROUP = 32;

function convert({ folder, model }, output, ...tables) {
  const { status, stderr } = tabsense(
    ...["convert", model, output, "--dtype", "int4", "--calibration", join(folder, "texts.txt"), ...tables],
  );
  assert.equal(status, 0, stderr);
  return output;
}

/** The header and the data of a file, and a function that returns a tensor's bytes by its name. */
function open(file) {
  const end = 8 + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.subarray(8, end).toString());
  const bytesOf = (name) => file.subarray(...header[name].data_offsets.map((at) => end + at));
  return { header, bytesOf, data: file.subarray(end) };
}

function halfOf(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/** The file with the word table in F32 at its end; the int4 table stays, under names that no model has. */
function withNumbers(file) {
  const { header, bytesOf, data } = open(file);
  const [packed, scales] = [bytesOf(WORDS), bytesOf(`${WORDS}_scale`)];
  const numbers = Float32Array.from({ length: 2 * packed.length }, (_, i) => {
    const q = i % 2 === 0 ? packed[i >> 1] & 15 : packed[i >> 1] >> 4;
    return (q - 8) * halfOf(scales.readUInt16LE(2 * Math.floor(i / GROUP)));
  });
  const { [WORDS]: words, [`${WORDS}_scale`]: scale, ...rest } = header;
  const json = JSON.stringify({
    ...rest,
    codes: words,
    steps: scale,
    [WORDS]: {
      dtype: "F32",
      shape: [words.shape[0], 2 * words.shape[1]],
      data_offsets: [data.length, data.length + numbers.byteLength],
    },
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
  return Buffer.concat([length, Buffer.from(json), data, Buffer.from(numbers.buffer)]);
}

test("a model with its word embeddings in int4 answers as with the dequantized numbers", async (t) => {
  const place = scratch(t);
  const [narrow, wide] = ["int4", "plain"].map((name) => {
    const folder = join(place.folder, name);
    mkdirSync(folder);
    for (const name of ["config.json", "tokenizer.json"]) cpSync(join(place.model, name), join(folder, name));
    return folder;
  });
  const file = readFileSync(convert(place, join(narrow, "model.safetensors"), "--tables", "int4"));
  writeFileSync(join(wide, "model.safetensors"), withNumbers(file));
  const models = await Promise.all([narrow, wide].map((folder) => Classifier.load(folder)));
  t.after(() => Promise.all(models.map((model) => model.dispose())));
  const texts = place.texts.slice(0, 20);
  const [mine, wanted] = await Promise.all(models.map((model) => model.classify(texts, { topK: null })));
  assert.deepEqual(mine, wanted);
  assert.equal(models[0].info.parameters, models[1].info.parameters);
});

test("word embeddings are int8 unless --tables int4 is set", (t) => {
  const place = scratch(t);
  const [plain, int8, int4] = [[], ["--tables", "int8"], ["--tables", "int4"]].map((tables, i) =>
    readFileSync(convert(place, join(place.folder, `${i}.safetensors`), ...tables)),
  );
  assert.deepEqual(int8, plain);
  const [eight, four] = [open(int8), open(int4)];
  assert.equal(eight.header[WORDS].dtype, "I8");
  assert.equal(four.header[WORDS].dtype, "U8");
  assert.equal(four.header[`${WORDS}_scale`].dtype, "F16");
  assert.equal(2 * four.bytesOf(WORDS).length, eight.bytesOf(WORDS).length);
  for (const { header } of [eight, four])
    assert.equal(header["distilbert.embeddings.position_embeddings.weight"].dtype, "I8");
});
