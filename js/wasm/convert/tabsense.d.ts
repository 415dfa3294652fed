/**
 * The exports of the converter's WebAssembly module (src/web_convert.rs). Every method throws `Error`s that
 * have a `kind`.
 */

export default function init(arg: { module_or_path: WebAssembly.Module }): Promise<unknown>;

/** The coded form of a whole safetensors file: fewer bytes, the same numbers. */
export function encode(file: Uint8Array): Uint8Array;

/** The plain form of a whole safetensors file, coded or not. */
export function decode(file: Uint8Array): Uint8Array;

/** Rewrites a file of weights as a stream. */
export class Converter {
  /** To "int8" or "fp16"; a converter to int4 comes from a `Calibration`. */
  constructor(dtype: string);
  push(chunk: Uint8Array): Uint8Array;
  /**
   * Ends the current file. Returns the name of the file next to it in which the weights continue, if any;
   * push its bytes next.
   */
  endFile(): string | undefined;
  /** Warnings about the source, a sentence each; known once its header has been read. */
  readonly warnings: string[];
  /** Consumes the converter. */
  finish(): Uint8Array;
  free(): void;
}

export { TorchRewriter } from "../rewriter/tabsense.js";

/** A tokenizer's other files, besides `tokenizer_config.json`, for repositories without `tokenizer.json`. */
export class FurtherFiles {
  constructor();
  /**
   * Adds a file by its name on a model hub; a SentencePiece file may have any name that ends with `.model`.
   */
  set(name: string, bytes: Uint8Array): void;
  free(): void;
}

/** Reads a model's files and returns a `Calibration`. */
export class CalibrationLoader {
  /**
   * Consumes `files`, even if it throws. `tokenizer`, `tokenizerConfig`: `tokenizer.json` and
   * `tokenizer_config.json`, if the model has them. `tables`: the format of the word embedding table.
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
  /** As in `Converter`. */
  endFile(): string | undefined;
  /** Consumes the loader. */
  finish(): Calibration;
  free(): void;
}

/** A model that reads calibration texts. */
export class Calibration {
  private constructor();
  /** Returns the number of tokens of all texts so far. */
  read(texts: string[]): number;
  /** The converter to int4, to which the same weights are pushed again. Consumes the calibration. */
  finish(): Converter;
  free(): void;
}

/** Texts that determine which tokens a smaller vocabulary keeps. */
export class Corpus {
  /** As in `CalibrationLoader`. */
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
  /** The added tokens that are not part of the vocabulary, whose ids follow. */
  readonly beyond: string[];
  /** For each new id, the old one. */
  readonly rows: Uint32Array;
  /** The number of words in the texts, and of those that are now split into other tokens. */
  readonly words: number;
  readonly changedWords: number;
  /** The number of tokens in the texts with the old vocabulary, and of those that are gone. */
  readonly tokensRead: number;
  readonly droppedTokens: number;
  free(): void;
}

/** Rewrites a file of weights with the rows of a smaller vocabulary, as a stream. */
export class Pruner {
  /** `config`: the original model's; `rows`: for each row of the new table, the row of the old one. */
  constructor(config: Uint8Array, rows: Uint32Array);
  push(chunk: Uint8Array): Uint8Array;
  /** As in `Converter`. */
  endFile(): string | undefined;
  /** As in `Converter`. */
  readonly warnings: string[];
  /** Consumes the pruner. */
  finish(): Uint8Array;
  free(): void;
}
