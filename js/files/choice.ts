/** Chooses which of a repository's files the weights are read from, only by their names and sizes. */

/** The values of `dtype`: the names of transformers.js, and our own `"int4"`. */
export type Dtype = "auto" | "fp32" | "fp16" | "q8" | "int8" | "uint8" | "q4" | "q4f16" | "int4";
/** All of them. */
export const DTYPES: readonly Dtype[] = [
  "auto",
  "fp32",
  "fp16",
  "q8",
  "int8",
  "uint8",
  "q4",
  "q4f16",
  "int4",
];

/** How the engine stores a file's weights: `"auto"` keeps int8 and int4 as they are, and the rest as fp32. */
export type StoredAs = "auto" | "fp32" | "fp16" | "int8" | "int4";

/** The files of a repository by their paths in it, with their lengths if known. */
export type Listing = ReadonlyMap<string, number | null>;

/** The requested weights. */
export interface WeightsSpec {
  dtype: Dtype;
  /** The folder of ONNX files: `"onnx"`, or `""` for the root. */
  subfolder: string;
  /** What the name of a weights file begins with, such as `"model"`. */
  modelFileName: string;
}

/** A weights file, or the index of several, and how the engine is to store the weights. */
export interface Candidate {
  file: string;
  dtype: StoredAs;
}

/**
 * The formats of weights files: safetensors, PyTorch's `.bin`, or ONNX with the suffix of the file's name.
 */
type Container = "safetensors" | "bin" | `onnx${string}`;
type Choice = readonly [container: Container, dtype: StoredAs];

/** The suffix of an index, which lists the files that the weights are split into. */
const INDEX_SUFFIX = ".index.json";
const DEFAULT_NAME = "model";

/** Full weights, in order of preference. */
const full = (dtype: StoredAs): Choice[] => [
  ["safetensors", dtype],
  ["onnx", dtype],
  ["bin", dtype],
];

/** Files with 8 or more bits per weight; `LESS` has those with fewer, which come last. */
const ANY: readonly Choice[] = [
  ["safetensors", "auto"],
  ["onnx_quantized", "auto"],
  ["onnx_int8", "auto"],
  ["onnx_uint8", "auto"],
  ["onnx_fp16", "auto"],
  ["onnx", "auto"],
  ["bin", "auto"],
];
const LESS: readonly Choice[] = [
  ["onnx_q4f16", "auto"],
  ["onnx_q4", "auto"],
];

/**
 * Where to look for each `dtype`. A file of the requested type is loaded unchanged; full weights are rounded
 * while they stream.
 */
const ORDERS: Readonly<Record<Dtype, readonly Choice[]>> = {
  auto: [...ANY, ...LESS],
  fp32: full("fp32"),
  fp16: [["safetensors", "fp16"], ["onnx_fp16", "fp16"], ...full("fp16").slice(1)],
  q8: [["onnx_quantized", "auto"], ...full("int8")],
  int8: [
    ["safetensors", "int8"],
    ["onnx_int8", "auto"],
    ["onnx_quantized", "auto"],
    ...full("int8").slice(1),
  ],
  uint8: [["onnx_uint8", "auto"], ...full("int8")],
  q4: [["onnx_q4", "auto"], ...full("int4")],
  q4f16: [["onnx_q4f16", "auto"], ...full("int4")],
  int4: [["safetensors", "int4"], ["onnx_q4", "auto"], ["onnx_q4f16", "auto"], ...full("int4").slice(1)],
};

/**
 * The files that the weights may be read from, best first: those in `listing` or, if it is null, those that
 * may exist, the usual ones first. Files named in `pinned` come before others.
 */
export function candidatesOf(
  wanted: WeightsSpec,
  listing: Listing | null,
  pinned: readonly string[] = [],
): Candidate[] {
  const all = listing ? listed(wanted, listing) : guessed(wanted);
  const isPinned = ({ file }: Candidate) => pinned.includes(file);
  return [...all.filter(isPinned), ...all.filter((one) => !isPinned(one))];
}

function listed(wanted: WeightsSpec, listing: Listing): Candidate[] {
  const found = ordered(wanted, (container) => {
    const file = namesOf(container, wanted).find((name) => listing.has(name));
    return file === undefined ? Infinity : (sizeOf(file, listing) ?? Infinity);
  });
  return found.flatMap(([container, dtype]) => {
    const file = namesOf(container, wanted).find((name) => listing.has(name));
    return file === undefined ? [] : [{ file, dtype }];
  });
}

/**
 * The order for a `dtype`, which partly depends on sizes; missing files and unknown sizes count as infinite.
 */
function ordered({ dtype }: WeightsSpec, size: (container: Container) => number): readonly Choice[] {
  const order = ORDERS[dtype];
  if (dtype === "auto") {
    const smallest = Math.min(size("onnx_quantized"), size("onnx_int8"), size("onnx_uint8"));
    // If full weights have fewer bytes than rounded ones, their data is in other files with unknown names.
    const bytes = (one: Container) =>
      ["onnx", "onnx_fp16"].includes(one) && size(one) < smallest && smallest < Infinity
        ? Infinity
        : size(one);
    const bySize = [...ANY].sort(([a], [b]) => (bytes(a) === bytes(b) ? 0 : bytes(a) - bytes(b)));
    return [...bySize, ...LESS];
  }
  /** Moves safetensors after ONNX files that have the requested type in fewer bytes. */
  const behind = (containers: readonly Container[]) => {
    const less = order.filter(([one]) => containers.includes(one) && size(one) < size("safetensors"));
    return [...less, ...order.filter((one) => !less.includes(one))];
  };
  if (dtype === "int8") return behind(["onnx_int8", "onnx_quantized"]);
  return dtype === "fp16" ? behind(["onnx_fp16"]) : order;
}

/** Files at the root are requested last: few repositories have ONNX files there. */
function guessed(wanted: WeightsSpec): Candidate[] {
  const { dtype, modelFileName } = wanted;
  // A custom name is tried as an ONNX file first.
  const named = ([one]: Choice) => modelFileName !== DEFAULT_NAME && one === "onnx";
  const order = ORDERS[dtype];
  const all = [...order.filter(named), ...order.filter((one) => !named(one))].map(([container, dtype]) => ({
    onnx: container.startsWith("onnx"),
    candidates: namesOf(container, wanted).map((file) => ({ file, dtype })),
  }));
  return [
    ...all.flatMap(({ onnx, candidates }) => (onnx ? candidates.slice(0, 1) : candidates)),
    ...all.flatMap(({ onnx, candidates }) => (onnx ? candidates.slice(1) : [])),
  ];
}

/** The names that a file of this kind may have, best first. */
function namesOf(container: Container, { subfolder, modelFileName }: WeightsSpec): string[] {
  if (container === "safetensors" || container === "bin") {
    const isDefault = modelFileName === DEFAULT_NAME;
    if (container === "bin" && !isDefault) return [];
    const name = container === "bin" ? "pytorch_model.bin" : `${modelFileName}.safetensors`;
    return [name, `${name}${INDEX_SUFFIX}`];
  }
  const name = `${modelFileName}${container.slice("onnx".length)}.onnx`;
  return subfolder === "" ? [name] : [`${subfolder}/${name}`, name];
}

/** Whether a file is the index of several. */
export function isIndex(file: string): boolean {
  return file.endsWith(INDEX_SUFFIX);
}

/** Whether a file is named like one with weights, a part of them, or their index. */
export function isWeightsFile(file: string): boolean {
  return (
    /\.safetensors(\.index\.json)?$|\.onnx([._]data(_\d+)?)?$/.test(file) ||
    /(^|\/)pytorch_model[\w.-]*\.bin(\.index\.json)?$/.test(file)
  );
}

/** The files in `listing` with the external data of the ONNX file `file`, by the names that exporters use. */
export function dataFilesOf(file: string, listing: Listing): string[] {
  return [...listing.keys()].filter((name) => {
    const rest = name.startsWith(file) ? name.slice(file.length) : "";
    return /^[._]data(_\d+)?$/.test(rest);
  });
}

/** The size in bytes of a file and all files that belong to it; null if unknown. */
export function sizeOf(file: string, listing: Listing): number | null {
  const names = isIndex(file) ? shardsOf(file, listing) : [file, ...dataFilesOf(file, listing)];
  const sizes = names.map((name) => listing.get(name) ?? null);
  return sizes.length === 0 || sizes.includes(null)
    ? null
    : sizes.reduce<number>((sum, size) => sum + size!, 0);
}

/** The files that an index lists, by the names that Python's libraries give them. */
function shardsOf(index: string, listing: Listing): string[] {
  const [, name, extension] = /^(.*)\.(safetensors|bin)\.index\.json$/.exec(index)!;
  return [...listing.keys()].filter(
    (file) =>
      file.startsWith(`${name}-`) &&
      /^-\d+-of-\d+\.\w+$/.test(file.slice(name!.length)) &&
      file.endsWith(`.${extension}`),
  );
}
