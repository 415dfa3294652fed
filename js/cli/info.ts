/** `tabsense info`: what a model is, from its configuration and the header of its weights. */

import { TabsenseError } from "../api/errors.js";
import type { Place } from "../files/places.js";
import { CONFIG_LIMIT } from "../worker/small-files.js";
import { readAll } from "../files/bytes.js";
import { ARCHITECTURES, reservedPositions } from "./architectures.js";
import { modelOf, type Invocation } from "./arguments.js";
import { readHeader, type Tensor, type WeightsHeader } from "./header.js";
import { placesOf, readPlace, readWeights } from "./model-files.js";
import { print } from "./print.js";
import { stoppable } from "./stops.js";
import { tokenizerOf, type TokenizerKind } from "./tokenizer-kind.js";
import { onOneLine } from "./visible.js";

/** The facts about a model; null if unknown. */
export interface ModelInfo {
  name: string;
  /** The file that a load would read the weights from, or the index of several. */
  file: string;
  architecture: string | null;
  /** Whether it is supported, judging by its type. */
  runs: boolean;
  layers: number | null;
  width: number | null;
  heads: number | null;
  feedForward: number | null;
  vocabulary: number | null;
  maxTokens: number | null;
  tokenizer: TokenizerKind | null;
  labels: string[];
  /** The number of the model's parameters, without scales; null without a header. */
  parameters: number | null;
  /** Tensors by their type. */
  tensors: Record<string, { count: number; bytes: number }>;
  /** The bytes of the weights file, or of all of them. */
  bytes: number | null;
  languages: string[] | null;
  licence: string | null;
}

type Config = Readonly<Record<string, unknown>>;

/** Tensors without parameters of the model: scales, and the positions of old checkpoints. */
const NO_PARAMETERS = /_scale$|\.position_ids$/;
/** How int4 is stored: two numbers per byte. */
const PAIRS = "U8";

const COUNT = new Intl.NumberFormat("en");

/** Prints what a model is. */
export async function info(invocation: Invocation): Promise<void> {
  const model = await stoppable("", (signal) => readInfo(modelOf(invocation), signal));
  await print(invocation.values.json ? `${JSON.stringify(model, null, 2)}\n` : linesOf(model));
}

async function readInfo(source: string, signal: AbortSignal): Promise<ModelInfo> {
  const places = await placesOf(source);
  const { name, config: place } = places;
  const readTold = async () => {
    const { bytes, config } = await readConfig(place, signal);
    return { config, tokenizer: await tokenizerOf(place, bytes, signal) };
  };
  const [{ config, tokenizer }, { file, files }] = await Promise.all([
    readTold(),
    readWeights(places, signal, (name, place) =>
      name.endsWith(".safetensors") ? readHeader(place, signal) : readLength(place, signal),
    ),
  ]);
  return { name, file, ...describe(config, tokenizer, sumOf(Object.values(files))) };
}

/** The facts about a file without a header that lists its tensors: its length. */
function readLength(place: Place, signal: AbortSignal): Promise<WeightsHeader> {
  return readPlace(place, signal, async ({ body, total }) => {
    await body.cancel();
    return { bytes: total, tensors: [], metadata: {} };
  });
}

/** The headers of several files, merged into one. */
function sumOf(headers: readonly WeightsHeader[]): WeightsHeader {
  return {
    bytes: headers.reduce<number | null>(
      (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
      0,
    ),
    tensors: headers.flatMap(({ tensors }) => tensors),
    metadata: Object.assign({}, ...headers.map(({ metadata }) => metadata)) as WeightsHeader["metadata"],
  };
}

async function readConfig(place: Place, signal: AbortSignal): Promise<{ bytes: Uint8Array; config: Config }> {
  const bytes = await readPlace(place, signal, (opened) =>
    readAll(opened, "config.json", CONFIG_LIMIT, signal, () => {}),
  );
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // The engine's message repeats a piece of the file.
    throw new TabsenseError(
      "config_invalid",
      "config.json is not JSON: use the file that belongs to the weights.",
    );
  }
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw new TabsenseError(
      "config_invalid",
      "config.json is not a JSON object: use the file that belongs to the weights.",
    );
  return { bytes, config: config as Config };
}

function describe(
  given: Config,
  tokenizer: TokenizerKind | null,
  { bytes, tensors, metadata }: WeightsHeader,
): Omit<ModelInfo, "name" | "file"> {
  const type = textOf(given["model_type"]) ?? "";
  const runs = Object.hasOwn(ARCHITECTURES, type);
  const config = { ...(runs && ARCHITECTURES[type]), ...given };
  // Unsupported architectures are shown, too; they have other names for these sizes.
  const size = (...keys: string[]) =>
    keys.map((key) => config[key]).find((value) => typeof value === "number") ?? null;
  const architectures = config["architectures"];
  const positions = size("max_position_embeddings");
  return {
    architecture:
      textOf(Array.isArray(architectures) ? architectures[0] : null) ?? textOf(config["model_type"]),
    runs,
    layers: size("n_layers", "num_hidden_layers"),
    width: size("dim", "hidden_size"),
    heads: size("n_heads", "num_attention_heads"),
    feedForward: size("hidden_dim", "intermediate_size"),
    vocabulary: size("vocab_size"),
    maxTokens: positions === null ? null : positions - reservedPositions(config),
    tokenizer,
    labels: labelsOf(config),
    parameters:
      tensors.length === 0
        ? null
        : tensors
            .filter(({ name }) => !NO_PARAMETERS.test(name))
            .reduce((sum, tensor) => sum + numbersOf(tensor), 0),
    tensors: byType(tensors),
    bytes,
    languages: listOf(
      config["language"] ?? config["languages"] ?? metadata["language"] ?? metadata["languages"],
    ),
    licence: textOf(config["license"] ?? config["licence"] ?? metadata["license"] ?? metadata["licence"]),
  };
}

function numbersOf({ dtype, shape }: Tensor): number {
  return shape.reduce((product, size) => product * size, 1) * (dtype === PAIRS ? 2 : 1);
}

function byType(tensors: readonly Tensor[]): ModelInfo["tensors"] {
  // The types' names come from the file, and one might be a property that every object has.
  const types = new Map<string, { count: number; bytes: number }>();
  for (const { dtype, bytes } of tensors) {
    const type = types.get(dtype) ?? { count: 0, bytes: 0 };
    types.set(dtype, { count: type.count + 1, bytes: type.bytes + bytes });
  }
  return Object.fromEntries(types);
}

/** By id; if there are none, as many as the configuration says, or two. */
function labelsOf(config: Config): string[] {
  const map = config["id2label"];
  if (typeof map === "object" && map !== null)
    return Object.entries(map)
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, label]) => String(label));
  const count = config["num_labels"];
  return Array.from({ length: typeof count === "number" ? count : 2 }, (_, i) => `LABEL_${i}`);
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function listOf(value: unknown): string[] | null {
  if (Array.isArray(value)) return value.map(String);
  return textOf(value)?.split(/[\s,]+/) ?? null;
}

function linesOf(model: ModelInfo): string {
  const number = (value: number | null) => (value === null ? null : COUNT.format(value));
  const lines: [string, string | null][] = [
    ["model", model.name],
    [
      "architecture",
      model.architecture &&
        (model.runs
          ? model.architecture
          : `${model.architecture}, which is not supported. Supported: ${Object.keys(ARCHITECTURES).join(", ")}`),
    ],
    ["layers", number(model.layers)],
    ["width", number(model.width)],
    ["heads", number(model.heads)],
    ["feed-forward", number(model.feedForward)],
    ["vocabulary", number(model.vocabulary)],
    ["max tokens", number(model.maxTokens)],
    ["tokenizer", tokenizerLine(model.tokenizer)],
    ["labels", labelsLine(model.labels)],
    ["parameters", number(model.parameters)],
    [
      "tensors",
      Object.entries(model.tensors)
        .map(([dtype, { count, bytes }]) => `${count} ${dtype} (${COUNT.format(bytes)} bytes)`)
        .join(", ") || null,
    ],
    ["file", model.bytes === null ? model.file : `${model.file}, ${COUNT.format(model.bytes)} bytes`],
    ["languages", model.languages?.join(", ") ?? null],
    ["licence", model.licence],
  ];
  return lines
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(14)}${onOneLine(value!)}\n`)
    .join("");
}

function tokenizerLine(tokenizer: TokenizerKind | null): string {
  if (!tokenizer) return "none: there is neither tokenizer.json nor an older vocabulary file";
  const files = tokenizer.files.join(" and ");
  return tokenizer.kind === null ? files : `${tokenizer.kind}, from ${files}`;
}

/** Only `--json` shows more than 30 labels. */
function labelsLine(labels: readonly string[]): string {
  return labels.length <= 30
    ? labels.join(", ")
    : `${labels.slice(0, 30).join(", ")} and ${labels.length - 30} more`;
}
