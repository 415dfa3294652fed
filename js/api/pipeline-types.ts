/** The types of `pipeline`, by the names that transformers.js 4 gives them. */

import type { LoadedClassifier } from "./classifier.js";
import type { LoadedModel } from "./model.js";
import type { LoadedTagger } from "./tagger.js";
import type { Aggregation } from "../tag/types.js";
import type { LoadedZeroShot } from "./zero-shot.js";
import type { Dtype } from "../files/choice.js";
import type { LoadOptions } from "./types.js";

/** The tasks, each by its main name. */
export type PipelineTask =
  | "text-classification"
  | "feature-extraction"
  | "token-classification"
  | "zero-shot-classification";

/** The task names that `pipeline` accepts; a task may have two. */
export type PipelineType = PipelineTask | "sentiment-analysis" | "ner";

/** The pipeline of a task. */
export type PipelineOf<Name extends PipelineType> = Name extends "feature-extraction"
  ? FeatureExtractionPipeline
  : Name extends "zero-shot-classification"
    ? ZeroShotClassificationPipeline
    : Name extends "token-classification" | "ner"
      ? TokenClassificationPipeline
      : TextClassificationPipeline;

/** Where to compute, by the names of transformers.js: `"wasm"` is the CPU, `"gpu"` is WebGPU. */
export type DeviceType = "auto" | "webgpu" | "gpu" | "wasm" | "cpu";

/** Which weights to load: the names of transformers.js, and `"int4"`. */
export type DataType = Dtype;

/** How to load a pipeline: the options of transformers.js, and those of `Classifier.load` that it lacks. */
export interface PretrainedModelOptions extends Omit<LoadOptions, "device" | "dtype" | "subfolder"> {
  /** Where to compute. Default: `"auto"`. */
  device?: DeviceType | { model: DeviceType } | null | undefined;
  /** Which weights to load. Default: `"auto"`, the smallest file with 8 bits per weight or more. */
  dtype?: DataType | { model: DataType } | null | undefined;
  /** Called while the model loads. */
  progress_callback?: ProgressCallback | null | undefined;
  /** The branch, tag or commit of a model on a hub; ignored for other models. Default: `"main"`. */
  revision?: string | null | undefined;
  /**
   * Whether to contact no hub: `"org/name"` is then the folder of that name below `models`. Default: `false`.
   */
  local_files_only?: boolean | null | undefined;
  /** Ignored: a file itself names the files in which it continues. */
  use_external_data_format?: boolean | number | Record<string, boolean | number> | null | undefined;
  /** The folder of the repository's ONNX files. Default: `"onnx"`. */
  subfolder?: string | null | undefined;
  /** What the names of weights files begin with. Default: `"model"`. */
  model_file_name?: string | null | undefined;
  /** Options for the engine of transformers.js, which is not used here: only an empty object is accepted. */
  session_options?: Record<string, never> | null | undefined;
  /**
   * Not supported: files are cached by the browser, or in the folder that `TABSENSE_CACHE` names (see
   * `cache`).
   */
  cache_dir?: null | undefined;
  /** Not supported: the configuration is the model's own file. */
  config?: null | undefined;
}

/** How far one file is. */
export interface FileLoadingProgress {
  /** Bytes so far. */
  loaded: number;
  /** Its length in bytes; if the server doesn't report it, the bytes so far. */
  total: number;
}

/** What `progress_callback` is called with. */
export type ProgressInfo =
  | { status: "initiate" | "download" | "done"; name: string; file: string }
  | ({ status: "progress"; name: string; file: string; progress: number } & FileLoadingProgress)
  | ({
      status: "progress_total";
      name: string;
      progress: number;
      files: Record<string, FileLoadingProgress>;
    } & FileLoadingProgress)
  | { status: "ready"; task: string; model: string };

/** Called while the model loads. If it throws, loading is aborted. */
export type ProgressCallback = (progress: ProgressInfo) => void;

/** One label with its probability. */
export interface TextClassificationSingle {
  /** The label, as the model's configuration names it. */
  label: string;
  /** Its probability. */
  score: number;
}

/** Two texts to classify as one. */
export interface TextClassificationPair {
  /** The first text. */
  readonly text: string;
  /** The second text. */
  readonly text_pair: string;
}

/** Labels with their probabilities: those of one text, best first, or the best one of each text. */
export type TextClassificationOutput = TextClassificationSingle[];

/** How to classify. */
export interface TextClassificationPipelineOptions {
  /** How many labels to return, best first; `null` for all. Default: 1. */
  top_k?: number | null | undefined;
  /** Aborts the call, which rejects with the signal's reason at once. Not in transformers.js. */
  signal?: AbortSignal;
}

/**
 * Whether a call returns a list for each text: if `top_k` is null or a number other than 1. A `top_k` of type
 * `number` counts as 1.
 */
export type TextClassificationIsTopK<O> = O extends { top_k: infer K }
  ? K extends undefined
    ? false
    : 1 extends K
      ? false
      : true
  : false;

/** The result of a call: a list for each text, or one list. */
export type TextClassificationPipelineResult<Q, O> = Q extends readonly unknown[]
  ? TextClassificationIsTopK<O> extends true
    ? TextClassificationOutput[]
    : TextClassificationOutput
  : TextClassificationOutput;

/** A text classifier that is called as a function. */
export interface TextClassificationPipeline {
  /**
   * Classifies one text or pair, or many. For one text, resolves to its labels; for many, to the best label
   * of each, or with a `top_k` other than 1 to a list for each.
   */
  <
    Q extends string | TextClassificationPair | readonly (string | TextClassificationPair)[],
    const O extends TextClassificationPipelineOptions = {},
  >(
    texts: Q,
    options?: O,
  ): Promise<TextClassificationPipelineResult<Q, O>>;
  /** The task. */
  readonly task: "text-classification";
  /** The model's configuration, read-only. The model is not callable. */
  readonly model: { readonly config: PipelineModelConfig };
  /** The underlying classifier, for `info`, `details` and everything else that transformers.js lacks. */
  readonly classifier: LoadedClassifier;
  /** Ends the worker and frees the model. Pending and later calls reject with kind `"disposed"`. */
  dispose(): Promise<void>;
}

/** A tensor, as in transformers.js. */
export interface Tensor {
  /** Its element type. */
  readonly type: "float32";
  /** Its shape: (texts, tokens, width) without pooling, else (texts, width). */
  readonly dims: readonly number[];
  /** Its numbers, in row-major order. */
  readonly data: Float32Array;
  /** The number of elements. */
  readonly size: number;
  /** Its numbers as nested arrays. */
  tolist(): number[][] | number[][][];
}

/** How to embed texts. */
export interface FeatureExtractionPipelineOptions {
  /**
   * How the token vectors of a text are pooled. With `"none"` there is one for each token, and shorter
   * texts are padded with zeros. Default: `"none"`.
   */
  pooling?: "none" | "mean" | "cls" | "first_token" | undefined;
  /** Whether to normalize vectors to length 1. Default: `false`. */
  normalize?: boolean | undefined;
  /** Aborts the call, which rejects with the signal's reason at once. Not in transformers.js. */
  signal?: AbortSignal;
}

/** An encoder that is called as a function. */
export interface FeatureExtractionPipeline {
  /** The vectors of one text or of many. */
  (texts: string | readonly string[], options?: FeatureExtractionPipelineOptions): Promise<Tensor>;
  /** The task. */
  readonly task: "feature-extraction";
  /** The underlying model, for `info`, which transformers.js lacks. */
  readonly encoder: LoadedModel;
  /** Ends the worker and frees the model. Pending and later calls reject with kind `"disposed"`. */
  dispose(): Promise<void>;
}

/** A token with its label. */
export interface TokenLabel {
  /** The label, as the model's configuration names it. */
  entity: string;
  /** Its probability. */
  score: number;
  /** The token's index, special tokens included. */
  index: number;
  /** The token as text. */
  word: string;
  /** Where it begins in the text, as for `slice`. */
  start: number;
  /** Where it ends. */
  end: number;
  /** Only in entities. */
  entity_group?: undefined;
}

/** Tokens that are one entity. */
export interface TokenGroup {
  /** Their label, without its prefix. */
  entity_group: string;
  /** Its probability. */
  score: number;
  /** The tokens as text. */
  word: string;
  /** Where the entity begins in the text, as for `slice`. */
  start: number;
  /** Where it ends. */
  end: number;
  /** Only in tokens. */
  entity?: undefined;
  /** Only in tokens. */
  index?: undefined;
}

/** How to label tokens. */
export interface TokenClassificationPipelineOptions {
  /** Labels that are left out. Default: `["O"]`. */
  ignore_labels?: readonly string[] | undefined;
  /** How tokens are combined into entities; transformers.js has only the first two. Default: `"none"`. */
  aggregation_strategy?: Aggregation | undefined;
  /** Aborts the call, which rejects with the signal's reason at once. Not in transformers.js. */
  signal?: AbortSignal;
}

/** The labels of a text's tokens, or its entities. */
export type TokenClassificationOutput<O = TokenClassificationPipelineOptions> = (O extends {
  aggregation_strategy: infer A;
}
  ? [A] extends ["none" | undefined]
    ? TokenLabel
    : [A] extends [Exclude<Aggregation, "none">]
      ? TokenGroup
      : TokenLabel | TokenGroup
  : "aggregation_strategy" extends keyof O
    ? TokenLabel | TokenGroup
    : TokenLabel)[];

/** A tagger that is called as a function. */
export interface TokenClassificationPipeline {
  /** The labels of one text, or of each of many. Texts may have any length. */
  <Q extends string | readonly string[], const O extends TokenClassificationPipelineOptions = {}>(
    texts: Q,
    options?: O,
  ): Promise<Q extends string ? TokenClassificationOutput<O> : TokenClassificationOutput<O>[]>;
  /** The task. */
  readonly task: "token-classification";
  /** The model's configuration, read-only. The model is not callable. */
  readonly model: { readonly config: PipelineModelConfig };
  /** The underlying tagger, for `redact`, `info` and everything else that transformers.js lacks. */
  readonly tagger: LoadedTagger;
  /** Ends the worker and frees the model. Pending and later calls reject with kind `"disposed"`. */
  dispose(): Promise<void>;
}

/** The labels in a model's configuration. */
export interface PipelineModelConfig {
  /** Each label by its number. */
  readonly id2label: Readonly<Record<string, string>>;
  /** Each label's number. */
  readonly label2id: Readonly<Record<string, number>>;
}

/** The labels of a text, best first. */
export interface ZeroShotClassificationOutput {
  /** The text. */
  sequence: string;
  /** The labels of the call, best first. */
  labels: string[];
  /** The score of each label, 0 to 1. */
  scores: number[];
}

/** How to score the labels of a call. */
export interface ZeroShotClassificationPipelineOptions {
  /** The hypothesis for a label, which replaces `{}`. Default: `"This example is {}."`. */
  hypothesis_template?: string | undefined;
  /** Whether several labels may apply to a text: each is scored independently. Default: `false`. */
  multi_label?: boolean | undefined;
  /** Aborts the call, which rejects with the signal's reason at once. Not in transformers.js. */
  signal?: AbortSignal;
}

/** A zero-shot classifier that is called as a function. */
export interface ZeroShotClassificationPipeline {
  /** Scores the labels for a text. Labels are an array, or one comma-separated string, as in Python. */
  (
    text: string,
    candidate_labels: string | readonly string[],
    options?: ZeroShotClassificationPipelineOptions,
  ): Promise<ZeroShotClassificationOutput>;
  /** Scores the labels for many texts. */
  (
    texts: readonly string[],
    candidate_labels: string | readonly string[],
    options?: ZeroShotClassificationPipelineOptions,
  ): Promise<ZeroShotClassificationOutput[]>;
  /** The task. */
  readonly task: "zero-shot-classification";
  /** The model's labels, of which one is entailment. */
  readonly model: { readonly config: PipelineModelConfig };
  /** The underlying model, for `info`, which transformers.js lacks. */
  readonly zeroShot: LoadedZeroShot;
  /** Ends the worker and frees the model. Pending and later calls reject with kind `"disposed"`. */
  dispose(): Promise<void>;
}
