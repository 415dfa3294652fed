/** `pipeline("feature-extraction")`: the states of an encoder, pooled as each call requests. */

import type { Session } from "../client/session.js";
import { checkSentences, normalized } from "./embedder.js";
import { LoadedModel } from "./model.js";
import { flag, invalid, record, signal } from "./options.js";
import type { Kind } from "./pipeline.js";
import type {
  FeatureExtractionPipeline,
  FeatureExtractionPipelineOptions,
  Tensor,
} from "./pipeline-types.js";

/** An encoder, which computes a state for each token. */
class Encoder extends LoadedModel {
  readonly #session: Session;

  constructor(session: Session) {
    super(session);
    this.#session = session;
  }

  /** The states of each text's tokens (T, D). */
  async states(texts: string[], ended: AbortSignal | null): Promise<Float32Array[]> {
    const over = this.#session.ended();
    if (over) throw over;
    return this.#session.ask({ type: "rows", texts, cutText: false, progress: false }, ended, null);
  }
}

/** Feature extraction. */
export const features: Kind<LoadedModel> = {
  load: async (host, source, options) => new Encoder(await host.session(source, "encode", options)),
  callable(encoder: Encoder): FeatureExtractionPipeline {
    const extract = async (input: unknown, options?: FeatureExtractionPipelineOptions) => {
      const { pooling, normalize, ended } = checkCall(options);
      const { texts } = checkSentences(input, "The pipeline");
      const states = texts.length > 0 ? await encoder.states(texts, ended) : [];
      const { width } = encoder.info.model;
      return pooling === "none"
        ? padded(states, width, normalize)
        : pooled(states, width, pooling, normalize);
    };
    return Object.assign(extract, {
      task: "feature-extraction" as const,
      encoder,
      dispose: () => encoder.dispose(),
    });
  },
};

const POOLINGS = { none: "none", mean: "mean", cls: "first", first_token: "first" } as const;

function checkCall(options: unknown) {
  const given = record(options ?? undefined, ["pooling", "normalize", "signal"]);
  const pooling = given["pooling"] ?? "none";
  if (typeof pooling !== "string" || !Object.hasOwn(POOLINGS, pooling))
    throw invalid("pooling", `one of ${Object.keys(POOLINGS).join(", ")}`, pooling);
  return {
    pooling: POOLINGS[pooling as keyof typeof POOLINGS],
    normalize: flag(given, "normalize", false),
    ended: signal(given),
  };
}

/** (B, T, D), padded with zeros after texts that are shorter than the longest. */
function padded(states: Float32Array[], width: number, normalize: boolean): Tensor {
  const longest = Math.max(0, ...states.map((state) => state.length));
  const data = new Float32Array(states.length * longest);
  states.forEach((state, i) => {
    for (let at = 0; at < state.length; at += width) {
      const token = state.subarray(at, at + width);
      data.set(normalize ? normalized(token) : token, i * longest + at);
    }
  });
  return tensor(data, [states.length, longest / width, width]);
}

/** (B, D) */
function pooled(
  states: Float32Array[],
  width: number,
  pooling: "mean" | "first",
  normalize: boolean,
): Tensor {
  const data = new Float32Array(states.length * width);
  states.forEach((state, i) => {
    const vector = pooling === "first" ? state.subarray(0, width) : mean(state, width);
    data.set(normalize ? normalized(vector) : vector, i * width);
  });
  return tensor(data, [states.length, width]);
}

function mean(state: Float32Array, width: number): Float32Array {
  const sum = new Float64Array(width);
  state.forEach((x, i) => {
    sum[i % width]! += x;
  });
  return Float32Array.from(sum, (x) => (x * width) / state.length);
}

function tensor(data: Float32Array, dims: number[]): Tensor {
  const list = (from: number, [size = 0, ...rest]: number[]): unknown => {
    const step = rest.reduce((product, n) => product * n, 1);
    return Array.from({ length: size }, (_, i) =>
      rest.length === 0 ? data[from + i] : list(from + i * step, rest),
    );
  };
  return {
    type: "float32",
    dims: Object.freeze(dims),
    data,
    size: data.length,
    tolist: () => list(0, dims) as number[][],
  };
}
