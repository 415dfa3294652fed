/** What the WebAssembly module exports (src/web.rs); its JavaScript is made by wasm-bindgen, these types by hand. */

export default function init(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;

/** Takes a model's files and yields an `Engine`. Every method throws `Error`s that carry a `kind`. */
export class Loader {
  constructor(config: Uint8Array, tokenizer: Uint8Array, dtype: string);
  /** The next bytes of `model.safetensors`. */
  push(chunk: Uint8Array): void;
  /** Consumes the loader. */
  finish(): Engine;
  free(): void;
}

/** A loaded model. */
export class Engine {
  /** Classifies `texts`: `top` labels for each, 0 for all; the tokens too where `details` is set. */
  classify(texts: string[], top: number, details: boolean): Promise<Classification[]>;
  info(): EngineInfo;
  free(): void;
}

/** Rewrites a safetensors file as a stream. */
export class Converter {
  constructor(dtype: string);
  push(chunk: Uint8Array): Uint8Array;
  /** Consumes the converter. */
  finish(): Uint8Array;
  free(): void;
}

/** The closed list of src/error.rs. */
export function errorKinds(): string[];

/** The size of the module's memory; it never shrinks, so this is also its peak. */
export function memoryBytes(): number;

export interface Classification {
  scores: { label: string; score: number }[];
  tokens?: { text: string; id: number; start: number; end: number; special: boolean }[];
  truncated: boolean;
  timings: { tokenize: number; forward: number };
}

export interface EngineInfo {
  device: "cpu";
  dtype: "fp32" | "int8";
  architecture: string;
  layers: number;
  width: number;
  heads: number;
  vocabulary: number;
  maxTokens: number;
  parameters: number;
  labels: string[];
  weightBytes: number;
}
