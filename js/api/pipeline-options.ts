/**
 * Translates the options of transformers.js 4 into Tabsense's own: each is honoured, ignored because it
 * changes nothing, or rejected with a message that says what to do instead.
 */

import { checkEnvironment, type Environment } from "./env.js";
import { TabsenseError } from "./errors.js";
import {
  callback,
  checkLoadOptions,
  flag,
  invalid,
  kindOf,
  LOAD_OPTIONS,
  record,
  signal,
  text,
} from "./options.js";
import type {
  PipelineTask,
  PretrainedModelOptions,
  ProgressCallback,
  TextClassificationPipelineOptions,
} from "./pipeline-types.js";
import { DTYPES, type Dtype } from "../files/choice.js";
import { placeOf, type Place } from "./pipeline-source.js";
import type { LoadOptions, Source } from "./types.js";

/** The options of transformers.js, except `device` and `dtype`, which Tabsense has, too. */
const TRANSFORMERS_OPTIONS = [
  "progress_callback",
  "config",
  "cache_dir",
  "local_files_only",
  "revision",
  "use_external_data_format",
  "model_file_name",
  "session_options",
];

/**
 * The tasks by name, each with its default model, if any. transformers.js has defaults, too; these are this
 * project's own models.
 */
const TASKS: Readonly<Record<string, { task: PipelineTask; model: string | null }>> = {
  "text-classification": { task: "text-classification", model: "sentiment-en" },
  "sentiment-analysis": { task: "text-classification", model: "sentiment-en" },
  "token-classification": { task: "token-classification", model: "pii-en" },
  ner: { task: "token-classification", model: "pii-en" },
  "feature-extraction": { task: "feature-extraction", model: "minilm-en" },
  "zero-shot-classification": { task: "zero-shot-classification", model: null },
};

/** The devices of transformers.js that have a counterpart. */
const DEVICES: Record<string, LoadOptions["device"] & string> = {
  auto: "auto",
  webgpu: "webgpu",
  gpu: "webgpu",
  wasm: "cpu",
  cpu: "cpu",
};

/** The number formats have the same names in transformers.js. */
const NATIVE_DTYPES = Object.fromEntries(DTYPES.map((dtype) => [dtype, dtype])) as Record<Dtype, Dtype>;

const DEVICE_VALUES = '"webgpu", "wasm" or "cpu", or "auto", which measures both';
const DTYPE_VALUES =
  '"q8", "int8" or "uint8" for 8 bits, "q4", "q4f16" or "int4" for 4, "fp16", "fp32", or "auto" for the smallest file of 8 bits or more';

/** What a pipeline is loaded with. */
export interface CheckedPipeline {
  task: PipelineTask;
  /**
   * The model's name in events: the string that was passed, or the default; `"files"` for any other source.
   */
  name: string;
  place: Place;
  /** For the `load` of the task. */
  options: LoadOptions;
  /** Warnings about settings of `env` that are ignored, a sentence each. */
  warnings: string[];
  progressCallback: ProgressCallback | null;
}

/**
 * Checks the arguments of `pipeline` and the current settings. Kind `"invalid_argument"` for an invalid one.
 */
export function checkPipeline(
  task: unknown,
  model: Source | null | undefined,
  options: PretrainedModelOptions | null | undefined,
  environment: Environment,
): CheckedPipeline {
  const known = typeof task === "string" && Object.hasOwn(TASKS, task) ? TASKS[task] : undefined;
  if (!known) {
    throw new TabsenseError(
      "invalid_argument",
      `Unknown task ${typeof task === "string" ? JSON.stringify(task) : kindOf(task)}. The tasks are ${Object.keys(TASKS).join(", ")}.`,
    );
  }
  refuseMisplaced(options);
  const instant = known.task === "text-classification" ? "instant" : null;
  const keys = instant ? [...LOAD_OPTIONS, instant] : LOAD_OPTIONS;
  const given = record(options ?? undefined, [...TRANSFORMERS_OPTIONS, ...keys]);
  refuseForeign(given);
  const own = Object.fromEntries(
    Object.entries(given).filter(([key, value]) => keys.includes(key) && value !== undefined),
  );
  const env = checkEnvironment(environment);
  const named = model ?? known.model;
  if (named === null)
    throw new TabsenseError(
      "invalid_argument",
      `The task ${known.task} has no default model. Pass one, such as "org/name" on a model hub.`,
    );
  const place = placeOf(
    {
      model: named,
      revision: revision(given),
      localOnly: flag(given, "local_files_only", false) || !env.allowRemoteModels,
      models: text(given, "models"),
      hub: text(given, "hub"),
    },
    env,
  );
  const load: LoadOptions = {
    cache: env.cache,
    ...(place.hub !== undefined && { hub: place.hub }),
    ...own,
    device: counterpart(given, "device", DEVICES, DEVICE_VALUES),
    dtype: counterpart(given, "dtype", NATIVE_DTYPES, DTYPE_VALUES),
    ...fileNames(given),
  };
  checkLoadOptions(load, instant); // here too, so that no event comes from a load that can't begin
  return {
    task: known.task,
    name: typeof named === "string" ? named : "files",
    place,
    options: load,
    warnings: env.warnings,
    progressCallback: callback(given, "progress_callback") as ProgressCallback | null,
  };
}

/** Checks the options of a call, and returns those of `classify`. */
export function checkCall(options: TextClassificationPipelineOptions | undefined): {
  topK: number | null;
  signal?: AbortSignal;
} {
  const given = record(options, ["top_k", "signal"]);
  const top = given["top_k"] === undefined ? 1 : given["top_k"];
  if (top !== null && !(typeof top === "number" && Number.isSafeInteger(top) && top >= 1))
    throw invalid("top_k", "a whole number of at least 1, or null for all labels", top);
  const ended = signal(given);
  return { topK: top, ...(ended && { signal: ended }) };
}

/** Options of a call, by their names in transformers and transformers.js, old ones included. */
const OF_A_CALL = ["top_k", "topk", "return_all_scores", "function_to_apply", "truncation", "padding"];

/** Refuses options that belong to a call, and `quantized` of transformers.js 2, with what to write instead. */
function refuseMisplaced(options: unknown): void {
  if (typeof options !== "object" || options === null) return;
  const misplaced = OF_A_CALL.find((key) => key in options);
  if (misplaced !== undefined) {
    throw new TabsenseError(
      "invalid_argument",
      `The option ${misplaced} is an option of calls. Pass it to the call: await classify(text, { top_k: 2 }).`,
    );
  }
  if ("quantized" in options) {
    throw new TabsenseError(
      "invalid_argument",
      `Unknown option quantized. Pass dtype "q8" instead of quantized: true, and "fp32" instead of false.`,
    );
  }
}

/** Refuses options of another engine or its cache, unless their value changes nothing. */
function refuseForeign(given: Record<string, unknown>): void {
  const refuse = (key: string, why: string) => {
    throw new TabsenseError("invalid_argument", `The option ${key} ${why}`);
  };
  if (given["config"] != null)
    refuse("config", "is not supported. Remove it, or pass the model's files with another config.json.");
  if (given["cache_dir"] != null)
    refuse(
      "cache_dir",
      "is not supported. Remove it; in Node, set the environment variable TABSENSE_CACHE to the cache's folder.",
    );
  const session = given["session_options"] ?? {};
  if (typeof session !== "object" || Object.keys(session).length > 0)
    refuse(
      "session_options",
      "is for onnxruntime, which is not used here. Remove it, and set `threads` and `wasm` (the .wasm file's URL) instead.",
    );
  const external = given["use_external_data_format"] ?? false;
  if (!["boolean", "number", "object"].includes(typeof external))
    throw invalid("use_external_data_format", "true, false, a number or an object", external);
}

/**
 * The counterpart of a device or a number format; transformers.js also accepts a record by the model's parts,
 * of which there is only `model` here.
 */
function counterpart<T extends string>(
  given: Record<string, unknown>,
  key: string,
  known: Record<string, T>,
  which: string,
): T {
  let value: unknown = given[key] ?? "auto";
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const parts = Object.keys(value);
    if (parts.length !== 1 || parts[0] !== "model")
      throw invalid(key, `given for "model" only, the one part of a classifier`, parts.join(", "));
    value = (value as { model: unknown }).model;
  }
  if (typeof value !== "string" || !Object.hasOwn(known, value)) throw invalid(key, which, value);
  return known[value]!;
}

/** The names of the weights files, as Tabsense's own options; in transformers.js, null means the default. */
function fileNames(given: Record<string, unknown>): Pick<LoadOptions, "subfolder" | "modelFileName"> {
  const name = given["model_file_name"] ?? given["modelFileName"];
  const isName = typeof name === "string" && /^[\w-][\w.-]*$/.test(name);
  if (name != null && !isName)
    throw invalid("model_file_name", 'the beginning of a file name such as "model"', name);
  const { subfolder } = given;
  return {
    subfolder: (subfolder ?? "onnx") as string, // checked with our own options
    ...(isName && { modelFileName: name }),
  };
}

function revision(given: Record<string, unknown>): string | null {
  const value = text(given, "revision");
  if (value !== null && !/^(?!\.{1,2}$)[\w./-]+$/.test(value))
    throw invalid("revision", "a branch, a tag or a commit", value);
  return value;
}
