/** Saves a taught classifier as a small JSON file and loads it, checked as untrusted input. */

import { TabsenseError, type ErrorKind } from "../api/errors.js";
import type { Trained } from "../client/protocol.js";
import { MAX_EXAMPLES, MAX_LABELS } from "./examples.js";

/** The mark of the file's format. */
const FORMAT = "tabsense-taught-classifier";
/** Increases when an older package couldn't read the file. */
const VERSION = 1;
/**
 * The maximum length of a file, in characters: the most labels with the widest vectors, and room for
 * examples.
 */
const MAX_CHARACTERS = 268_435_456;
/** The maximum width of vectors; src/config.rs has the same limit. */
const MAX_WIDTH = 8192;
/**
 * The minimum cosine of the probe's vectors: int8 and fp32 of one encoder have 0.99 or more, two encoders
 * about 0.
 */
const MIN_COSINE = 0.97;

/** A taught classifier's file. Its parts may change with its version. */
export interface SavedClassifier {
  /** Distinguishes it from other files. */
  readonly format: typeof FORMAT;
  /** The version of the format. */
  readonly version: number;
  readonly [part: string]: unknown;
}

/** The contents of the file. */
export interface Contents {
  multi: boolean;
  prompt: string | null;
  /** `probe`: its vector for a fixed text. */
  encoder: { name: string; width: number; probe: Float32Array };
  labels: { name: string; description: string | null }[];
  trained: Trained;
  /** Null if they were left out. */
  examples: { text: string; labels: number[] }[] | null;
}

/** The file's object. */
export function saved({ encoder, trained, ...rest }: Contents): SavedClassifier {
  const { weights, bias, keep } = trained;
  const { strength, nameWeight, temperature, threshold } = keep;
  const parts = {
    format: FORMAT,
    version: VERSION,
    encoder: { ...encoder, probe: toBase64(encoder.probe) },
    ...rest,
    weights: toBase64(weights),
    bias: [...bias],
    strength,
    nameWeight,
    temperature,
    threshold,
  } as const;
  return { ...parts, checksum: checksum(parts) };
}

/** Reads a file: an object that was parsed, or the JSON text. */
export async function read(given: unknown): Promise<Contents> {
  const parts = typeof given === "object" && !isBytes(given) ? given : parse(await textOf(given));
  if (typeof parts !== "object" || parts === null || (parts as SavedClassifier).format !== FORMAT)
    throw wrong(
      "not_a_model",
      "This is not a taught classifier. Pass the result of toJSON, or its JSON text.",
    );
  const { version, checksum: sum, ...others } = parts as SavedClassifier & { checksum?: unknown };
  if (typeof version === "number" && version > VERSION)
    throw wrong(
      "config_unsupported",
      `The taught classifier has format version ${version}, and this package reads ${VERSION}: update tabsense.`,
    );
  // Invalid parts are reported before changed ones.
  const contents = contentsOf(others);
  if (sum !== checksumOf({ version, ...others }))
    throw wrong(
      "not_a_model",
      "The taught classifier was changed or damaged after it was saved. Use the original file, or teach it again.",
    );
  return contents;
}

/** Whether two vectors for the fixed text come from the same encoder. */
export function same(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.reduce((sum, x, i) => sum + x * b[i]!, 0) >= MIN_COSINE;
}

/** The checksum of the parts that were read; null if an unknown one is nested too deeply to be written. */
function checksumOf(parts: object): number | null {
  try {
    return checksum(parts);
  } catch {
    return null;
  }
}

function contentsOf(parts: Record<string, unknown>): Contents {
  const encoder = object(parts["encoder"], "encoder");
  const width = whole(encoder["width"], "encoder.width", 1, MAX_WIDTH);
  const labels = list(parts["labels"], "labels", 1, MAX_LABELS).map((label, i) => {
    const { name, description } = object(label, `labels[${i}]`);
    if (description !== null && typeof description !== "string") throw damaged(`labels[${i}].description`);
    return { name: string(name, `labels[${i}].name`), description };
  });
  if (typeof parts["multi"] !== "boolean") throw damaged("multi");
  const given = parts["examples"];
  const examples =
    given === null
      ? null
      : list(given, "examples", 0, MAX_EXAMPLES).map((example, i) => {
          const { text, labels: places } = object(example, `examples[${i}]`);
          return {
            text: string(text, `examples[${i}].text`),
            labels: list(places, `examples[${i}].labels`, 0, labels.length).map((place) =>
              whole(place, `examples[${i}].labels`, 0, labels.length - 1),
            ),
          };
        });
  const prompt = parts["prompt"];
  if (prompt !== null && typeof prompt !== "string") throw damaged("prompt");
  // A label that was added since the last training is not learnt yet.
  const bias = list(parts["bias"], "bias", 1, labels.length).map((x) => number(x, "bias"));
  return {
    multi: parts["multi"],
    prompt,
    encoder: {
      name: string(encoder["name"], "encoder.name"),
      width,
      probe: floats(encoder["probe"], "encoder.probe", width),
    },
    labels,
    examples,
    trained: {
      weights: floats(parts["weights"], "weights", bias.length * width),
      bias: Float32Array.from(bias),
      keep: {
        temperature: positive(parts["temperature"], "temperature"),
        threshold: number(parts["threshold"], "threshold"),
        strength: positive(parts["strength"], "strength"),
        nameWeight: number(parts["nameWeight"], "nameWeight"),
      },
      leftOut: null,
    },
  };
}

function isBytes(given: unknown): given is Uint8Array | Blob {
  return given instanceof Uint8Array || (typeof Blob === "function" && given instanceof Blob);
}

async function textOf(given: unknown): Promise<string> {
  const long = () => wrong("not_a_model", "The file is too long for a taught classifier.");
  if (isBytes(given)) {
    if (("size" in given ? given.size : given.length) > MAX_CHARACTERS) throw long();
    return given instanceof Uint8Array ? new TextDecoder().decode(given) : given.text();
  }
  if (typeof given !== "string")
    throw wrong("invalid_argument", "A taught classifier must be the result of toJSON, or its JSON text.");
  if (given.length > MAX_CHARACTERS) throw long();
  return given;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's message repeats a piece of the file, which may be part of an example.
    throw wrong("not_a_model", "The taught classifier is not JSON: it was cut off or is another file.");
  }
}

function wrong(kind: ErrorKind, message: string): TabsenseError {
  return new TabsenseError(kind, message);
}

function damaged(part: string): TabsenseError {
  return wrong(
    "not_a_model",
    `The taught classifier is damaged: its ${part} is wrong. Teach it again, or use another copy.`,
  );
}

function object(value: unknown, part: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(part);
  return value as Record<string, unknown>;
}

function list(value: unknown, part: string, min: number, max: number): unknown[] {
  if (!Array.isArray(value) || value.length < min || value.length > max) throw damaged(part);
  return value;
}

function string(value: unknown, part: string): string {
  if (typeof value !== "string") throw damaged(part);
  return value;
}

/** JSON writes numbers that aren't finite as null. */
function number(value: unknown, part: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw damaged(part);
  return value;
}

function positive(value: unknown, part: string): number {
  const x = number(value, part);
  if (x <= 0) throw damaged(part);
  return x;
}

function whole(value: unknown, part: string, min: number, max: number): number {
  const x = number(value, part);
  if (!Number.isInteger(x) || x < min || x > max) throw damaged(part);
  return x;
}

function toBase64(numbers: Float32Array): string {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  numbers.forEach((x, i) => {
    view.setFloat32(4 * i, x, true);
  });
  const bytes = new Uint8Array(view.buffer);
  let text = "";
  // In pieces: a call's number of arguments is limited.
  for (let i = 0; i < bytes.length; i += 0x2000)
    text += String.fromCharCode(...bytes.subarray(i, i + 0x2000));
  return btoa(text);
}

function floats(value: unknown, part: string, count: number): Float32Array {
  let text: string;
  try {
    text = atob(string(value, part));
  } catch {
    throw damaged(part);
  }
  if (text.length !== 4 * count) throw damaged(part);
  const view = new DataView(Uint8Array.from(text, (char) => char.charCodeAt(0)).buffer);
  const numbers = Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
  if (!numbers.every(Number.isFinite))
    throw wrong(
      "weights_not_finite",
      `The taught classifier's ${part} contain something other than numbers. Teach it again.`,
    );
  return numbers;
}

/**
 * CRC-32 of the parts as JSON with sorted keys, because databases return them in any order. It detects
 * damage, not intent.
 */
function checksum(parts: object): number {
  const text = JSON.stringify(parts, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  let crc = ~0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    for (const byte of [unit & 0xff, unit >> 8]) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}
