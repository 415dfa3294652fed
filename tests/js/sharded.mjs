// A model whose weights are in several files.

import { filesOf } from "./support.mjs";

/** The index of the weights' files. */
export const INDEX = "model.safetensors.index.json";

/** The files of a model (by default the tiny one) with its weights in `count` files and their index. */
export function sharded(count, all = filesOf()) {
  const { "model.safetensors": weights, ...rest } = all;
  const length = Number(new DataView(weights.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length)));
  const data = weights.subarray(8 + length);
  const tensors = Object.entries(header).filter(([name]) => name !== "__metadata__");
  const files = { ...rest };
  const map = {};
  for (let shard = 0; shard < count; shard++) {
    const name = `model-${String(shard + 1).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.safetensors`;
    let at = 0;
    const parts = [];
    const own = Object.fromEntries(
      tensors
        .filter((_, i) => i % count === shard)
        .map(
          ([
            tensor,
            {
              data_offsets: [start, end],
              ...entry
            },
          ]) => {
            parts.push(data.subarray(start, end));
            map[tensor] = name;
            return [tensor, { ...entry, data_offsets: [at, (at += end - start)] }];
          },
        ),
    );
    files[name] = safetensors({ __metadata__: { format: "pt" }, ...own }, Buffer.concat(parts));
  }
  files[INDEX] = new TextEncoder().encode(
    JSON.stringify({ metadata: { total_size: data.length }, weight_map: map }),
  );
  return files;
}

/** A safetensors file with this header and data. */
export function safetensors(header, data) {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return new Uint8Array(Buffer.concat([length, json, data]));
}
