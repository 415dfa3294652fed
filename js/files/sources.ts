/** Resolves the model that a caller names to its files. */

import { TabsenseError } from "../api/errors.js";
import type { CheckedLoadOptions } from "../api/options.js";
import type {
  EmbeddingRefs,
  FileRef,
  FileRefs,
  HubRepository,
  OlderRefs,
  StreamRef,
} from "../client/protocol.js";
import { openResponse } from "./bytes.js";
import { reason } from "./refusals.js";
import { isWeightsFile } from "./choice.js";
import { EMBEDDING_FILES } from "./embedding-files.js";
import { holdsVocabulary, isOlder, OLDER_FILES } from "./older-files.js";
import { FILES, TOKENIZER_CONFIG, type Model, type ModelFiles, type Source } from "../api/types.js";

/** A model's name, and where its files are. */
export interface Resolved {
  name: string;
  files: FileRefs;
}

/**
 * A model on a hub: `org/name`, or `org/name@revision`. A revision must not lead up in the address (`.`,
 * `..`).
 */
export const HUB_NAME = /^([\w-][\w.-]*)\/([\w-][\w.-]*)(?:@(?!\.{1,2}$)([\w./-]+))?$/;

/** A base URL: a path, or an address of any scheme: extensions and apps have their own. */
const ADDRESS = /^([a-z][a-z\d+.-]*:\/\/|\.{0,2}\/)/i;

/** The name of an embedded model: `name`, or `name@generation` for one that has a better successor. */
const EMBEDDED_NAME = /^(\w[\w.-]*)(?:@(\d+))?$/;

/**
 * Resolves a source to URLs below `base`, or to the files themselves; `embedded` finds the folder of a model
 * named without a slash (for `sentiment-en@1`: `sentiment-en-1`).
 */
export function resolveUrls(
  source: Source,
  options: CheckedLoadOptions,
  base: string,
  embedded: (name: string) => Resolved,
): Resolved {
  if (source instanceof URL) return fromAddress(source.href, base);
  if (typeof source !== "string")
    return isModel(source)
      ? { ...fromFiles(source.files, base), name: source.name }
      : fromFiles(source, base);
  if (ADDRESS.test(source)) return fromAddress(source, base);
  const onHub = fromHub(source, options.hub);
  if (onHub) return onHub;
  const named = EMBEDDED_NAME.exec(source);
  if (named) {
    const [, name, generation] = named;
    return { ...embedded(generation ? `${name}-${generation}` : name!), name: source };
  }
  throw unknown(source);
}

function fromAddress(address: string, base: string): Resolved {
  const url = new URL(address, base);
  if (/^(data|blob):/.test(url.protocol))
    throw new TabsenseError(
      "invalid_argument",
      `A ${url.protocol} URL names a single file, not a model folder. Pass the model's files by name.`,
    );
  return fromUrl(url, url.pathname.split("/").filter(Boolean).at(-1) ?? url.host);
}

/** The error for a string that names no source. */
export function unknown(source: string): TabsenseError {
  return new TabsenseError(
    "invalid_argument",
    `${JSON.stringify(source)} is not a model name or address. Pass an embedded model's name ("sentiment-en"), "org/name" or "org/name@revision" on a model hub, a URL, or the model's files.`,
  );
}

/** The files of a model on a hub, or null if the source isn't the name of one. */
export function fromHub(source: string, hub: string): Resolved | null {
  const match = HUB_NAME.exec(source);
  if (!match) return null;
  const [, org, name, revision = "main"] = match;
  const root = hub.replace(/\/+$/, "");
  // A revision may contain slashes ("refs/pr/1"); the hub expects it as one part of the path.
  const folder = new URL(`${root}/${org}/${name}/resolve/${encodeURIComponent(revision)}/`);
  return fromUrl(folder, source, { api: `${root}/api/models/${org}/${name}`, revision });
}

/** The files in the folder that a URL names; a query is kept. */
export function fromUrl(base: URL, name: string, hub: HubRepository | null = null): Resolved {
  const folder = base.pathname.endsWith("/") ? base.pathname : `${base.pathname}/`;
  const place = (file: string) => {
    const url = new URL(base);
    url.pathname = folder + file;
    url.hash = "";
    return { url: url.href };
  };
  return resolved(name, place, hub);
}

/**
 * The files that the caller passed: a record by name, or a list of `File`s as dropped on a page. URLs may be
 * relative to `base`.
 */
export function fromFiles(source: ModelFiles, base: string): Resolved {
  if (typeof source !== "object" || source === null) {
    throw new TabsenseError(
      "invalid_argument",
      `A model must be a string or its files, not ${source === null ? "null" : typeof source}.`,
    );
  }
  const given = isList(source) ? byName(source) : ({ ...source } as Record<string, unknown>);
  const names = Object.keys(given).filter((name) => given[name] !== undefined);
  const weights = names.filter(isWeightsFile);
  const older = names.filter(isOlder);
  const missing = FILES.filter(
    (file) =>
      !names.includes(file) &&
      !(file === "model.safetensors" && weights.length > 0) &&
      !(file === "tokenizer.json" && older.some((name) => holdsVocabulary(name))),
  );
  if (missing.length > 0) {
    const sentences = [
      `The model lacks ${missing.join(" and ")}. Pass all three files: ${FILES.join(", ")}.`,
      ...(missing.includes("tokenizer.json")
        ? [
            "Instead of tokenizer.json, vocab.txt, vocab.json with merges.txt, or a SentencePiece file will do.",
          ]
        : []),
      ...(missing.includes("model.safetensors")
        ? ["Weights may also be an ONNX file or pytorch_model.bin."]
        : []),
    ];
    throw new TabsenseError("invalid_argument", sentences.join(" "));
  }
  const ref = (file: string) => fileRef(given[file], file, base);
  const refOrNull = (file: string) => (given[file] === undefined ? null : ref(file));
  const refs = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, ref(name)]));
  const tokenizer = refOrNull("tokenizer.json");
  // An ONNX file may have its data in files of any name.
  const mayHaveExternalData = weights.some((name) => name.endsWith(".onnx"));
  const isExternalData = (name: string) => !/\.(json|txt|model|md)$/.test(name) && isFileValue(given[name]);
  const further = mayHaveExternalData
    ? names.filter((name) => !weights.includes(name) && isExternalData(name))
    : [];
  return {
    name: "files",
    files: {
      "config.json": ref("config.json"),
      "tokenizer.json": tokenizer,
      [TOKENIZER_CONFIG]: refOrNull(TOKENIZER_CONFIG),
      // Next to a tokenizer.json, they are not read.
      ...(tokenizer === null && (refs(older) as OlderRefs)),
      ...(refs(EMBEDDING_FILES.filter((name) => names.includes(name))) as EmbeddingRefs),
      weights: { given: refs([...weights, ...further]), hub: null },
    },
  };
}

/**
 * Files by their paths below the folder of `config.json` if the file picker provides paths, otherwise by
 * name.
 */
function byName(list: ArrayLike<File>): Record<string, unknown> {
  const pathOf = (file: File | null) => file?.webkitRelativePath || file?.name || "";
  const files = Array.from(list, (file: File | null) => ({ path: pathOf(file), file }));
  const configs = files.map(({ path }) => path).filter((path) => /(^|\/)config\.json$/.test(path));
  const shortest = configs.reduce((a, b) => (b.length < a.length ? b : a), configs[0] ?? "");
  const folder = shortest.slice(0, shortest.lastIndexOf("/") + 1);
  return Object.fromEntries(
    files.map(({ path, file }) => [path.startsWith(folder) ? path.slice(folder.length) : path, file]),
  );
}

/** The files of a folder, or of another place that has them by name. */
export function resolved(
  name: string,
  ref: (file: string) => FileRef,
  hub: HubRepository | null = null,
): Resolved {
  const names = ["config.json", "tokenizer.json", TOKENIZER_CONFIG, ...OLDER_FILES, ...EMBEDDING_FILES];
  const refs = Object.fromEntries(names.map((file) => [file, ref(file)])) as Omit<FileRefs, "weights">;
  return { name, files: { ...refs, weights: { given: null, hub } } };
}

/** Whether the files are an array, or the list that a file picker gives. */
function isList(source: ModelFiles): source is ArrayLike<File> {
  return Array.isArray(source) || (typeof FileList === "function" && source instanceof FileList);
}

/** Whether it is a file that can be passed on without being read. */
function isFileValue(value: unknown): boolean {
  return [Blob, Uint8Array, ArrayBuffer, URL].some((type) => value instanceof type);
}

function isModel(source: ModelFiles | Model): source is Model {
  return typeof (source as Model | null)?.name === "string" && "files" in source;
}

function fileRef(value: unknown, file: string, base: string): FileRef {
  if (value instanceof Blob) return { blob: value };
  if (value instanceof Uint8Array) return { bytes: value };
  if (value instanceof ArrayBuffer) return { bytes: new Uint8Array(value) };
  if (value instanceof URL) {
    // A bundler's URL may be a path that only claims to be absolute.
    const { href } = new URL(value.href, base);
    if (href.startsWith("data:")) return { bytes: dataBytes(href) };
    return href.startsWith("file:") ? { path: href } : { url: href };
  }
  if (value instanceof Response) return responseRef(value, file);
  if (value instanceof ReadableStream)
    return unread(value as ReadableStream<Uint8Array>, file, { total: null, exact: false });
  throw new TabsenseError(
    "invalid_argument",
    `${file} must be a Blob, a Uint8Array, an ArrayBuffer, a URL, a Response or a ReadableStream.`,
  );
}

/**
 * The bytes in a data: URL. Bundlers turn small files into such URLs, and a page's policy may forbid fetching
 * them.
 */
function dataBytes(href: string): Uint8Array {
  const comma = href.indexOf(",");
  const text = decodeURIComponent(href.slice(comma + 1));
  return href.slice(0, comma).endsWith(";base64")
    ? Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
    : new TextEncoder().encode(text);
}

function responseRef(response: Response, file: string): StreamRef {
  if (!response.ok)
    throw new TabsenseError(
      "network",
      `The response for ${file} has the status ${`${response.status} ${response.statusText}`.trimEnd()}. Check the address.`,
    );
  const { body, total, exact } = openResponse(response, response.url || file);
  return unread(body, file, { total, exact });
}

function unread(
  stream: ReadableStream<Uint8Array>,
  file: string,
  length: { total: number | null; exact: boolean },
): StreamRef {
  if (stream.locked)
    throw new TabsenseError(
      "invalid_argument",
      `The stream of ${file} is already being read. Pass an unread one.`,
    );
  return { stream, ...length };
}

/**
 * The same files for a worker. If streams can't be moved there, they are read into Blobs, until `signal`
 * fires.
 */
export async function movable(files: FileRefs, signal: AbortSignal | null): Promise<FileRefs> {
  const { weights, ...named } = files;
  const streams = [...Object.values(named), ...Object.values(weights.given ?? {})].some(
    (file) => file && "stream" in file,
  );
  if (!streams || streamsMove()) return files;
  const read = (ref: FileRef | null) => (ref && "stream" in ref ? readBlob(ref, signal) : ref);
  const all = async <Refs extends object>(refs: Refs) =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(refs).map(async ([name, ref]) => [name, await read(ref as FileRef | null)]),
      ),
    ) as Refs;
  return {
    ...(await all(named)),
    weights: { ...weights, given: weights.given && (await all(weights.given)) },
  };
}

async function readBlob({ stream }: StreamRef, signal: AbortSignal | null): Promise<FileRef> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = stream.getReader();
  const end = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", end);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return { blob: new Blob(parts) };
      parts.push(value as Uint8Array<ArrayBuffer>);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof TabsenseError) throw cause;
    throw new TabsenseError(
      "network",
      `A stream of the model's files failed (${reason(cause)}). Load the model again.`,
      {
        cause,
      },
    );
  } finally {
    signal?.removeEventListener("abort", end);
  }
}

/** Whether this runtime can send a stream to a worker. */
function streamsMove(): boolean {
  try {
    const stream = new ReadableStream();
    structuredClone(stream, { transfer: [stream] });
    return true;
  } catch {
    return false;
  }
}
