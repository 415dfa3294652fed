// The bounds in docs/security.md that JavaScript enforces: input at a bound is read, beyond it is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readAll } from "../../dist/files/bytes.js";
import { merged, shardNames } from "../../dist/files/shards.js";
import { INDEX_LIMIT } from "../../dist/files/weights.js";
import { read } from "../../dist/teach/saved.js";
import { limitOf } from "../../dist/worker/small-files.js";
import { rejects } from "./support.mjs";

const MIB = 1 << 20;

/** Each small file, with its limit in the code and in docs/security.md. */
const FILES = {
  "config.json": [limitOf("config.json"), MIB],
  "tokenizer.json": [limitOf("tokenizer.json"), 64 * MIB],
  "tokenizer_config.json": [limitOf("tokenizer_config.json"), 4 * MIB],
  "vocab.txt": [limitOf("vocab.txt"), 64 * MIB],
  "vocab.json": [limitOf("vocab.json"), 64 * MIB],
  "sentencepiece.bpe.model": [limitOf("sentencepiece.bpe.model"), 64 * MIB],
  "merges.txt": [limitOf("merges.txt"), 64 * MIB],
  "special_tokens_map.json": [limitOf("special_tokens_map.json"), MIB],
  "added_tokens.json": [limitOf("added_tokens.json"), 4 * MIB],
  "model.safetensors.index.json": [INDEX_LIMIT, MIB],
};

/** A file of `bytes` spaces, as chunks of one buffer. */
function spaces(bytes) {
  const piece = new Uint8Array(MIB).fill(0x20);
  let left = bytes;
  const body = new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const next = piece.subarray(0, left);
      left -= next.length;
      controller.enqueue(next);
    },
  });
  return { total: null, exact: false, body };
}

test("accepts the longest small files, and rejects one byte more", async () => {
  const { signal } = new AbortController();
  for (const [name, [limit, documented]] of Object.entries(FILES)) {
    assert.equal(limit, documented, name);
    const whole = await readAll(spaces(limit), name, limit, signal, () => {});
    assert.equal(whole.length, limit, name);
    await rejects(
      "not_a_model",
      readAll(spaces(limit + 1), name, limit, signal, () => {}),
      new RegExp(`longer than ${limit} bytes`),
    );
  }
});

test("accepts the longest headers of sharded weights, and rejects one byte more", async () => {
  const half = MIB / 2;
  const shard = (name, length) => ({
    name,
    async *open() {
      const bytes = new Uint8Array(8 + length).fill(0x20);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
      bytes.set([0x7b, 0x7d], 8);
      yield bytes;
    },
  });
  const whole = async (...shards) => {
    let bytes = 0;
    for await (const chunk of merged(shards)) bytes += chunk.length;
    return bytes;
  };
  assert.equal(await whole(shard("a", MIB)), 10);
  assert.equal(await whole(shard("a", half), shard("b", half)), 10);
  await rejects("weights_header", whole(shard("a", MIB + 1)), /1048577 bytes/);
  await rejects(
    "weights_header",
    whole(shard("a", half), shard("b", half + 1)),
    /up to b have 1048577 bytes/,
  );
});

test("accepts the maximum number of shards, and rejects one more", () => {
  const names = (count) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [i, `${i}.safetensors`]));
  const of = (count) =>
    shardNames(JSON.stringify({ weight_map: names(count) }), "model.safetensors.index.json");
  assert.equal(of(1000).length, 1000);
  assert.throws(() => of(1001), { kind: "weights_header" });
});

test("accepts the longest taught classifier, and rejects one character more", async () => {
  // A text of this length is parsed, and is not JSON.
  const text = (length) => "x".repeat(length);
  await rejects("not_a_model", read(text(268_435_456)), /not JSON/);
  await rejects("not_a_model", read(text(268_435_457)), /too long for/);
});
