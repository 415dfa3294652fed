/** The base of all loaded models: `info` and `dispose`. */

import type { EngineInfo } from "../wasm/simd/tabsense.js";
import type { Session } from "../client/session.js";
import type { ModelInfo } from "./info.js";

declare global {
  // As declared by TypeScript's `esnext.disposable`, which a user of this package need not include.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** Adds sentences to `model.info.warnings`. */
export let warn: (model: LoadedModel, warnings: readonly string[]) => void;

/** A loaded model, whatever it is used for. */
export abstract class LoadedModel {
  readonly #session: Pick<Session, "name" | "state" | "dispose">;
  #warnings: readonly string[] = [];
  /**
   * `dispose()`, for `await using`. Present if the runtime has the symbol, or a polyfill added it before the
   * model was loaded.
   */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  static {
    warn = (model, warnings) => void (model.#warnings = warnings);
  }

  protected constructor(session: Pick<Session, "name" | "state" | "dispose">) {
    this.#session = session;
    const symbol: unknown = Symbol.asyncDispose;
    if (typeof symbol === "symbol") Object.defineProperty(this, symbol, { value: () => this.dispose() });
  }

  /** What was loaded, where it runs, and how much memory it uses, as of the last answer. */
  get info(): ModelInfo {
    const { info, file, memory } = this.#session.state();
    const {
      build,
      threads,
      device,
      dtype,
      weightBytes,
      webgpu,
      webgpuReason,
      calibration,
      warnings,
      specialTokens,
      spelling,
      ...model
    } = info;
    return this.withWarnings({
      device,
      dtype,
      file,
      build,
      threads,
      webgpu: webGpuInfo(info),
      warnings,
      model: { name: this.#session.name, ...model },
      bytes: { weights: weightBytes, memory },
    });
  }

  /** The same info, with the warnings that were added. */
  protected withWarnings<Info extends ModelInfo | null | undefined>(info: Info): Info {
    return info && { ...info, warnings: [...info.warnings, ...this.#warnings] };
  }

  /**
   * Ends the worker and frees the model and its device. Pending and later calls reject with kind
   * `"disposed"`.
   */
  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

function webGpuInfo({ webgpu, webgpuReason, calibration }: EngineInfo): ModelInfo["webgpu"] {
  if (webgpu === null || webgpuReason !== null)
    return { reason: webgpuReason ?? "The graphics card is not in use." };
  const { gpuBytes, ...device } = webgpu;
  return { ...device, bytes: gpuBytes, calibration };
}
