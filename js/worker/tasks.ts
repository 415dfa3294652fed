/** Calls the engine with a group of texts, for each kind of call. */

import type { ResultOf, TextsRequest } from "../client/protocol.js";
import type { Text } from "../api/types.js";
import type { Engine } from "../wasm/simd/tabsense.js";
import { loadTasks } from "../api/load-tasks.js";

/**
 * The maximum number of tokens that a graphics card computes at once, in windows; the CPU gets one window.
 */
const TOKENS_ON_GPU = 4096;
const TOKENS_ON_CPU = 512;

/**
 * The results of a call for `texts`, some of the call's own. `pause` is awaited in between if there is much
 * to do, and may throw.
 */
export async function ask(
  engine: Engine,
  request: TextsRequest,
  texts: Text[],
  pause: () => Promise<void>,
): Promise<ResultOf[keyof ResultOf][]> {
  switch (request.type) {
    case "classify":
      return engine.classify(texts, request.top, request.details, request.empty);
    case "rows":
      return engine.rows(texts, request.cutText);
    case "tag": {
      const { webgpu } = engine.info();
      const onGpu = webgpu !== null && !webgpu.software;
      return (await loadTasks()).tag(engine, texts as string[], onGpu ? TOKENS_ON_GPU : TOKENS_ON_CPU, pause);
    }
  }
}
