/** Rewrites a safetensors file with int8 or fp16 weights, as a stream: what is held is one tensor, never the file. */

import type { EngineModule } from "./builds.js";
import { MAX_CHUNK } from "./stream.js";

/** The forms that a file can be converted to. */
export const CONVERT_DTYPES = ["int8", "fp16"] as const;

/** The bytes of the converted file, as those of the original come in. */
export async function* convert(module: EngineModule, dtype: string, input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const converter = new module.Converter(dtype);
  for await (const bytes of input) {
    for (let at = 0; at < bytes.length; at += MAX_CHUNK) yield converter.push(bytes.subarray(at, at + MAX_CHUNK));
  }
  yield converter.finish();
}
