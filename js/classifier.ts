/** What a caller holds: a loaded model that classifies texts. */

import { checkClassifyOptions, checkTexts } from "./options.js";
import type { Answer } from "./protocol.js";
import type { Session } from "./session.js";
import type { ClassifierInfo, ClassifyOptions, Detailed, Score } from "./types.js";
import type { EngineInfo } from "./wasm/simd/tabsense.js";

/** All of a classifier but its loading, which the browser and Node do each in their own way. */
export abstract class LoadedClassifier {
  readonly #session: Session;

  protected constructor(session: Session) {
    this.#session = session;
  }

  /** Classifies one text: its labels, best first. */
  classify(text: string, options?: ClassifyOptions & { details?: false }): Promise<Score[]>;
  classify(text: string, options: ClassifyOptions & { details: true }): Promise<Detailed>;
  /** Classifies many texts in one call, which is faster than a call for each. */
  classify(texts: readonly string[], options?: ClassifyOptions & { details?: false }): Promise<Score[][]>;
  classify(texts: readonly string[], options: ClassifyOptions & { details: true }): Promise<Detailed[]>;
  async classify(input: string | readonly string[], options?: ClassifyOptions): Promise<Score[] | Detailed | Score[][] | Detailed[]> {
    const start = performance.now();
    const { top, signal, details, onProgress } = checkClassifyOptions(options);
    const { texts, single } = checkTexts(input);
    const ended = this.#session.ended();
    if (ended) throw ended;
    if (texts.length === 0) return [];
    const { results } = await this.#session.classify({ type: "classify", texts, top, details, progress: onProgress !== null }, signal, onProgress);
    if (!details) {
      const scores = results.map(toScores);
      return single ? scores[0]! : scores;
    }
    const total = performance.now() - start;
    const detailed = results.map((result) => toDetailed(result, total));
    return single ? detailed[0]! : detailed;
  }

  /** What was loaded, where it is computed, and how much memory it takes; as of the last answer. */
  get info(): ClassifierInfo {
    const standIn = this.#session.standIn?.info();
    if (standIn) return standIn;
    const { info, memory } = this.#session.state();
    const { build, threads, device, dtype, weightBytes, webgpu, webgpuReason, calibration, ...model } = info;
    return {
      device,
      dtype,
      build,
      threads,
      webgpu: webGpuInfo(info),
      model: { name: this.#session.name, ...model },
      bytes: { weights: weightBytes, memory },
    };
  }

  /**
   * With `instant: true`: fulfils as soon as the model answers, and rejects where it won't: its loading failed (the lexicon then goes on
   * answering), or its labels are not the lexicon's (calls then reject, too). It may be left alone. Else it has fulfilled already.
   */
  get ready(): Promise<void> {
    return this.#session.standIn?.ready ?? Promise.resolve();
  }

  /** Ends the worker and frees the model and its device. Calls that wait, and later ones, reject with kind `"disposed"`. */
  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

function webGpuInfo({ webgpu, webgpuReason, calibration }: EngineInfo): ClassifierInfo["webgpu"] {
  if (webgpu === null || webgpuReason !== null) return { reason: webgpuReason ?? "The graphics card is not in use." };
  const { gpuBytes, ...device } = webgpu;
  return { ...device, bytes: gpuBytes, calibration };
}

function toScores({ scores, truncated }: Answer): Score[] {
  return truncated ? scores.map((score) => ({ ...score, truncated: true })) : scores;
}

function toDetailed(result: Answer, total: number): Detailed {
  const { tokens = [], truncated, device, timings } = result;
  return { scores: toScores(result), tokens, truncated, device, timings: { ...timings, total } };
}
