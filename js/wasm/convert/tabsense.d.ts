/**
 * What the converter's WebAssembly module exports (src/web_convert.rs). Every method throws `Error`s that
 * carry a `kind`.
 */

export default function init(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;

/** The coded form of a whole safetensors file: fewer bytes, the same numbers. */
export function encode(file: Uint8Array): Uint8Array;

/** The plain form of a whole safetensors file, coded or not. */
export function decode(file: Uint8Array): Uint8Array;

/** Rewrites a file of weights as a stream. */
export class Converter {
  /** To "int8" or "fp16"; one to int4 comes of a `Calibration`. */
  constructor(dtype: string);
  push(chunk: Uint8Array): Uint8Array;
  /** The file is complete: the name of one beside it that the weights go on in, whose bytes are pushed next. */
  endFile(): string | undefined;
  /** Warnings about the source, a sentence each; known once its header has been read. */
  readonly warnings: string[];
  /** Consumes the converter. */
  finish(): Uint8Array;
  free(): void;
}

export { TorchRewriter } from "../rewriter/tabsense.js";

/** A tokenizer's files beside `tokenizer.json` and `tokenizer_config.json`: those of repositories without the first. */
export class FurtherFiles {
  constructor();
  /** Takes a file by the name that it has on a model hub; one of SentencePiece's may have any that ends with `.model`. */
  set(name: string, bytes: Uint8Array): void;
  free(): void;
}

/** Takes a model's files and yields a `Calibration`. */
export class CalibrationLoader {
  /**
   * Consumes `files`, also where it throws. `tokenizer`, `tokenizerConfig`: `tokenizer.json` and
   * `tokenizer_config.json`, where the model has them. `tables`: what the words' embedding table becomes.
   */
  constructor(
    config: Uint8Array,
    tokenizer: Uint8Array | undefined,
    tokenizerConfig: Uint8Array | undefined,
    files: FurtherFiles | undefined,
    tables: "int8" | "int4",
  );
  /** The next bytes of a file of weights. */
  push(chunk: Uint8Array): void;
  /** As that of `Converter`. */
  endFile(): string | undefined;
  /** Consumes the loader. */
  finish(): Calibration;
  free(): void;
}

/** A model that reads calibration texts. */
export class Calibration {
  private constructor();
  /** Returns the tokens of all texts so far. */
  read(texts: string[]): number;
  /** The converter to int4, for the same `model.safetensors` once more. Consumes the calibration. */
  finish(): Converter;
  free(): void;
}

/** Texts that say which tokens a smaller vocabulary keeps. */
export class Corpus {
  /** As that of `CalibrationLoader`. */
  constructor(
    config: Uint8Array,
    tokenizer: Uint8Array | undefined,
    tokenizerConfig: Uint8Array | undefined,
    files: FurtherFiles | undefined,
  );
  read(texts: string[]): void;
  /** The vocabulary of `rows` tokens for these texts; `named` are ids that other files name. */
  keep(rows: number, named: Uint32Array): Kept;
  free(): void;
}

/** A smaller vocabulary. */
export class Kept {
  private constructor();
  /** The vocabulary's tokens, by their new ids. */
  readonly tokens: string[];
  /** The added tokens that no vocabulary has, whose ids follow. */
  readonly beyond: string[];
  /** For each new id the old one. */
  readonly rows: Uint32Array;
  /** The texts' words, and those of them that are cut into other tokens than before. */
  readonly words: number;
  readonly changedWords: number;
  /** The texts' tokens as they were, and those of them that are gone. */
  readonly tokensRead: number;
  readonly droppedTokens: number;
  free(): void;
}

/** Rewrites a file of weights with the rows of a smaller vocabulary, as a stream. */
export class Pruner {
  /** `config`: that of the model as it was; `rows`: for each row of the new table the one of the old. */
  constructor(config: Uint8Array, rows: Uint32Array);
  push(chunk: Uint8Array): Uint8Array;
  /** As that of `Converter`. */
  endFile(): string | undefined;
  /** As those of `Converter`. */
  readonly warnings: string[];
  /** Consumes the pruner. */
  finish(): Uint8Array;
  free(): void;
}
