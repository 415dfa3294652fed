/** Checks options: a misspelt key or a wrong type is an error, not a default. */

import { parseIntegrity } from "../files/check.js";
import { DTYPES, isWeightsFile, type Dtype, type WeightsSpec } from "../files/choice.js";
import { EMBEDDING_FILES } from "../files/embedding-files.js";
import { isOlder } from "../files/older-files.js";
import { TabsenseError } from "./errors.js";
import { recordOf } from "../client/headers.js";
import type { NetworkOptions } from "../client/protocol.js";
import {
  FILES,
  TOKENIZER_CONFIG,
  type ClassifyOptions,
  type CallProgress,
  type Device,
  type HeadersOption,
  type HeadersValue,
  type Progress,
  type StreamOptions,
  type Text,
} from "./types.js";
import type { Pooling } from "./vector-types.js";

/** `LoadOptions` with every default filled in. */
export interface CheckedLoadOptions {
  device: Device;
  /** Which weights to load. */
  weights: WeightsSpec;
  instant: boolean;
  /** For an embedder; null: as the model's files say. */
  pooling: Pooling | null;
  onProgress: ((progress: Progress) => void) | null;
  signal: AbortSignal | null;
  worker: boolean;
  threads: number | "auto";
  hub: string;
  models: string | null;
  wasm: string | WebAssembly.Module | null;
  /** The function that returns a request's headers; plain headers are in `network`. */
  headers: Extract<HeadersOption, (url: string) => unknown> | null;
  network: NetworkOptions;
}

/** `ClassifyOptions` with every default filled in. */
export interface CheckedClassifyOptions {
  /** 0 for all. */
  top: number;
  signal: AbortSignal | null;
  details: boolean;
  onProgress: ((progress: CallProgress) => void) | null;
}

/** The default hub. */
export const HUB = "https://huggingface.co";
/** The values of the option `device`. */
export const DEVICES = ["auto", "webgpu", "cpu"];
/** The options that every `load` accepts. */
export const LOAD_OPTIONS: readonly string[] = [
  "device",
  "dtype",
  "subfolder",
  "modelFileName",
  "onProgress",
  "signal",
  "worker",
  "threads",
  "hub",
  "models",
  "wasm",
  "cache",
  "integrity",
  "headers",
];
/** With more threads, their tasks would be too small to gain from it. */
export const MAX_THREADS = 64;

/** The name of a file or folder, without a path. */
const NAME = /^[\w-][\w.-]*$/;

/** How many times in a row a broken connection is resumed. */
const RETRIES = 3;
/** Milliseconds without a byte after which a connection counts as broken. */
const STALL_MS = 30_000;

/** Whether half precision is requested for the CPU only, which lacks half-precision arithmetic. */
export function isHalfOnCpu(device: string, dtype: string): boolean {
  return device === "cpu" && dtype === "fp16";
}

/** The values of the option `pooling`. */
export const POOLINGS = ["mean", "cls"];

/** Checks the options of a `load`: those that every `load` accepts, and its `own` one, if any. */
export function checkLoadOptions(
  options: object | undefined,
  own: "instant" | "pooling" | null,
): CheckedLoadOptions {
  const given = record(options, own ? [...LOAD_OPTIONS, own] : LOAD_OPTIONS);
  const device = oneOf(given, "device", DEVICES);
  const dtype = oneOf(given, "dtype", DTYPES) as Dtype;
  if (isHalfOnCpu(device, dtype)) {
    throw new TabsenseError(
      "invalid_argument",
      'dtype "fp16" is not supported on the CPU, which lacks half-precision arithmetic. Load fp16 weights there with dtype "auto", "fp32", "int8" or "int4".',
    );
  }
  const wasm = given["wasm"] ?? null;
  if (wasm !== null && typeof wasm !== "string" && !(wasm instanceof URL) && !isModule(wasm))
    throw invalid("wasm", "a URL or a WebAssembly.Module", wasm);
  const hub = text(given, "hub") ?? HUB;
  if (!URL.canParse(hub) || !/^https?:/.test(hub))
    throw invalid("hub", 'an address such as "https://huggingface.co"', hub);
  const headers = headersOf(given);
  return {
    device: device as Device,
    weights: { dtype, ...namesOf(given) },
    instant: flag(given, "instant", false),
    pooling: given["pooling"] === undefined ? null : (oneOf(given, "pooling", POOLINGS) as Pooling),
    onProgress: callback(given, "onProgress") as CheckedLoadOptions["onProgress"],
    signal: signal(given),
    worker: flag(given, "worker", true),
    threads: threads(given),
    hub,
    models: text(given, "models"),
    wasm: wasm === null || isModule(wasm) ? wasm : String(wasm),
    headers: typeof headers === "function" ? headers : null,
    network: {
      cache: flag(given, "cache", true),
      integrity: integrity(given),
      headers: typeof headers === "function" ? "callback" : headers,
      retries: RETRIES,
      stallTimeout: STALL_MS,
    },
  };
}

/** Checks the options of `classify`. */
export function checkClassifyOptions(options: ClassifyOptions | undefined): CheckedClassifyOptions {
  const given = record(options, ["topK", "signal", "details", "onProgress"]);
  const topK = given["topK"] === undefined ? 1 : given["topK"];
  if (topK !== null && !(typeof topK === "number" && Number.isSafeInteger(topK) && topK >= 1))
    throw invalid("topK", "a whole number of at least 1, or null for all labels", topK);
  return {
    top: topK === null ? 0 : Math.min(topK, 0xffff_ffff),
    signal: signal(given),
    details: flag(given, "details", false),
    onProgress: callback(given, "onProgress") as CheckedClassifyOptions["onProgress"],
  };
}

/** `StreamOptions` with every default filled in. */
export interface CheckedStreamOptions {
  signal: AbortSignal | null;
  /** The options of each `classify` call. */
  each: ClassifyOptions;
}

/** Checks the options of `stream`. */
export function checkStreamOptions(options: StreamOptions | undefined): CheckedStreamOptions {
  const each = record(options, ["topK", "signal", "details"]);
  return { signal: checkClassifyOptions(each).signal, each };
}

/**
 * Checks the texts and pairs of a call; `single` is whether the call had one text, not a list. `second` is
 * the caller's key for a pair's second text.
 */
export function checkTexts(given: unknown, second = "pair"): { texts: Text[]; single: boolean } {
  if (Array.isArray(given)) {
    const texts = Array.from(given, (one: unknown, i) => checkText(one, `texts[${i}]`, second));
    return { texts, single: false };
  }
  if (typeof given !== "string" && !isPair(given, second))
    throw new TabsenseError(
      "invalid_argument",
      `classify needs a string, a pair { text, ${second} }, or an array of these, not ${kindOf(given)}.`,
    );
  return { texts: [checkText(given, "The pair", second)], single: true };
}

/** Checks a text or a pair, which `place` names in errors. Of a pair, only the two texts are returned. */
export function checkText(given: unknown, place: string, second = "pair"): Text {
  if (typeof given === "string") return given;
  if (!isPair(given, second))
    throw new TabsenseError(
      "invalid_argument",
      `${place} is not a string but ${kindOf(given)}. Pass strings, or pairs { text, ${second} } of strings.`,
    );
  const [text, pair] = ["text", second].map((key) => {
    const value = given[key];
    if (typeof value === "string") return value;
    throw new TabsenseError(
      "invalid_argument",
      `${place}: ${key} is not a string but ${kindOf(value)}. Pass { text, ${second} } with two strings, or a single string.`,
    );
  });
  return { text: text!, pair: pair! };
}

/** Whether the value may be meant as a pair. */
function isPair(given: unknown, second: string): given is Record<string, unknown> {
  return typeof given === "object" && given !== null && ("text" in given || second in given);
}

export function record(options: unknown, keys: readonly string[]): Record<string, unknown> {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new TabsenseError("invalid_argument", `The options must be an object, not ${kindOf(options)}.`);
  const wrong = Object.keys(options).find((key) => !keys.includes(key));
  if (wrong !== undefined)
    throw new TabsenseError(
      "invalid_argument",
      `Unknown option ${JSON.stringify(wrong)}. The options are: ${keys.join(", ")}.`,
    );
  return options as Record<string, unknown>;
}

/** One of the names in `known`; the first is the default. */
export function oneOf(given: Record<string, unknown>, key: string, known: readonly string[]): string {
  const value = given[key] ?? known[0]!;
  if (typeof value !== "string" || !known.includes(value))
    throw invalid(key, `one of ${known.map((name) => JSON.stringify(name)).join(", ")}`, value);
  return value;
}

function threads(given: Record<string, unknown>): number | "auto" {
  const value = given["threads"] ?? "auto";
  if (
    value !== "auto" &&
    !(typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_THREADS)
  ) {
    throw invalid("threads", `"auto" or a whole number from 1 to ${MAX_THREADS}`, value);
  }
  return value as number | "auto";
}

function isModule(value: unknown): value is WebAssembly.Module {
  return typeof WebAssembly === "object" && value instanceof WebAssembly.Module;
}

function headersOf(given: Record<string, unknown>): CheckedLoadOptions["headers"] | Record<string, string> {
  const value = given["headers"] ?? null;
  if (value === null || typeof value === "function") return value as CheckedLoadOptions["headers"];
  try {
    if (typeof value === "object") return recordOf(value as HeadersValue);
  } catch {
    // Reported below.
  }
  throw invalid("headers", "headers by name, or a function of the address that returns them", value);
}

/** The digests by file, in hexadecimal digits. */
function integrity(given: Record<string, unknown>): Record<string, string> {
  const value = given["integrity"] ?? {};
  if (typeof value !== "object" || Array.isArray(value))
    throw invalid("integrity", 'an object such as { "model.safetensors": "sha256-…" }', value);
  return Object.fromEntries(
    Object.entries(value).map(([file, text]) => {
      const known = [...FILES, TOKENIZER_CONFIG, ...EMBEDDING_FILES].includes(file) || isOlder(file);
      if (!known && !isWeightsFile(file)) {
        throw new TabsenseError(
          "invalid_argument",
          `integrity names ${JSON.stringify(file)}, which is not a model file. Use ${FILES.join(", ")}, ${TOKENIZER_CONFIG}, a file that replaces tokenizer.json, or a weights file by its path, such as "onnx/model_quantized.onnx".`,
        );
      }
      const digest = typeof text === "string" ? parseIntegrity(text) : null;
      if (digest === null)
        throw invalid(
          `integrity[${JSON.stringify(file)}]`,
          '"sha256-" and the digest in base64 or hexadecimal',
          text,
        );
      return [file, digest];
    }),
  );
}

/**
 * The folder of the weights files, and what their names begin with. Neither may lead out of the repository.
 */
function namesOf(given: Record<string, unknown>): Pick<WeightsSpec, "subfolder" | "modelFileName"> {
  const subfolder = given["subfolder"] ?? "onnx";
  const isBelow = (path: string) => path.split("/").every((part) => NAME.test(part));
  if (typeof subfolder !== "string" || !(subfolder === "" || isBelow(subfolder)))
    throw invalid("subfolder", 'a folder of the repository such as "onnx", or "" for its root', subfolder);
  const modelFileName = given["modelFileName"] ?? "model";
  if (typeof modelFileName !== "string" || !NAME.test(modelFileName))
    throw invalid("modelFileName", 'the beginning of a file name such as "model"', modelFileName);
  return { subfolder, modelFileName };
}

export function signal(given: Record<string, unknown>): AbortSignal | null {
  const value = given["signal"] ?? null;
  if (value !== null && !(value instanceof AbortSignal)) throw invalid("signal", "an AbortSignal", value);
  return value;
}

export function callback(given: Record<string, unknown>, key: string): unknown {
  const value = given[key] ?? null;
  if (value !== null && typeof value !== "function") throw invalid(key, "a function", value);
  return value;
}

export function flag(given: Record<string, unknown>, key: string, otherwise: boolean): boolean {
  const value = given[key] ?? otherwise;
  if (typeof value !== "boolean") throw invalid(key, "true or false", value);
  return value;
}

export function text(given: Record<string, unknown>, key: string): string | null {
  const value = given[key] ?? null;
  if (value !== null && (typeof value !== "string" || value === ""))
    throw invalid(key, "a non-empty string", value);
  return value;
}

export function invalid(key: string, wanted: string, value: unknown): TabsenseError {
  return new TabsenseError(
    "invalid_argument",
    `The option ${key} must be ${wanted}, not ${typeof value === "string" ? JSON.stringify(value) : kindOf(value)}.`,
  );
}

/** The kind of a value, for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "number" ? String(value) : typeof value;
}
