/** Opens a model's files, each from where it is: a kept copy, the network, the disk, or memory. */

import type { EngineModule } from "../builds.js";
import { checked, checkWhole, drop, failureOf, type CheckedFile } from "./check.js";
import { beside, isKept, isMissing } from "./places.js";
import { download } from "./download.js";
import { TabsenseError } from "../api/errors.js";
import type { Copies, ModelCache, Use } from "./cache.js";
import type { FileRef, LoadRequest } from "../client/protocol.js";
import { refuseAbsent, refuseUnread } from "./integrity.js";
import { merged, shardNames, withoutWeights } from "./shards.js";
import { FileChanged, openBlob, openBytes, readAll, type Opened } from "./bytes.js";
import { WEB_PAGE } from "./foreign.js";
import { FURTHER, type OlderFile } from "./older-files.js";
import { isWithheld } from "./withheld.js";
import { INDEX, TOKENIZER_CONFIG } from "../api/types.js";

/** What differs between the browser and Node. */
export interface FilesHost {
  openPath(path: string): Promise<Opened>;
  /** Where copies are kept, if they are. */
  cache: ModelCache | null;
}

/** A model's files. */
export interface Files {
  open(name: "config.json"): Promise<CheckedFile>;
  /**
   * The bytes that `read` gets of a file that not every model has; undefined where this one has none: `onAbsent`
   * hears what says so.
   */
  optional(
    name: OptionalFile,
    read: (file: CheckedFile) => Promise<Uint8Array>,
    onAbsent?: (thrown: unknown) => void,
  ): Promise<Uint8Array | undefined>;
  openWeights(): Promise<Weights>;
  /** Files are wanted again as they were, and without a connection if need be. */
  asTheyWere(): void;
  /** All files are fetched anew: those read so far may be of several versions. */
  anew(): void;
  /** The model stands: its files are kept for the next start. */
  keep(): void;
  /** The model doesn't stand: none of its files is kept. */
  abandon(): void;
}

/** A file that not every model has. */
type OptionalFile = "tokenizer.json" | typeof TOKENIZER_CONFIG | OlderFile;

/** Weights that are open, in one file or several. */
export interface Weights {
  /** Their bytes, where that is known. */
  total: number | null;
  /** Their bytes, checked, in pieces; to be called once. */
  chunks(
    module: EngineModule,
    onBytes: (bytes: number, total: number | null) => void,
  ): AsyncGenerator<Uint8Array>;
  /** Forgets the copies that they come from; false where they come from none. */
  dropCopies(): Promise<boolean>;
  /** Lets go of what nobody reads. */
  close(): void;
}

/** The streams that were read: each can be once. */
const read = new WeakSet<ReadableStream>();

/** The longest index of files, in bytes: more than one of as many tensors as a model may have. */
export const INDEX_LIMIT = 1 << 20;

/**
 * The files of `request`, opened until `signal` fires. `loaded`: whether the model was loaded before, so that
 * its files are wanted as they were; `ask` tells the headers of a request where the caller has a function.
 */
export function startFiles(
  host: FilesHost,
  { files, network }: LoadRequest,
  signal: AbortSignal,
  loaded: boolean,
  ask: (url: string, signal: AbortSignal) => Promise<Record<string, string>>,
): Files {
  const cache = network.cache ? host.cache : null;
  let mode: RequestCache = loaded ? "force-cache" : "default";
  let copies = start(loaded ? "as-is" : "asked");

  /** The copies of this model, which is known by the address of its weights. */
  function start(use: Use): Copies | null {
    const key = [files.shards?.index, files["model.safetensors"], ...Object.values(files)].find(isKept);
    return cache && key ? cache.start(key.url, use, headersOf, signal) : null;
  }

  /** Headers go where the caller said: to the origin of the model, or where a function says. */
  async function headersOf(url: string): Promise<Record<string, string>> {
    if (network.headers === "asked") return ask(url, signal);
    const own = [files["config.json"], ...Object.values(files)].find((file) => file && "url" in file);
    const given = own && new URL(url).origin === new URL((own as { url: string }).url).origin;
    return given ? (network.headers ?? {}) : {};
  }

  async function openRef(file: FileRef, fileName: string): Promise<CheckedFile> {
    const rest = { sha256: network.integrity[fileName] ?? null, checksum: null, drop: null, writer: null };
    if ("path" in file) return { ...rest, name: file.path, opened: await host.openPath(file.path) };
    if ("blob" in file) return { ...rest, name: fileName, opened: openBlob(file.blob) };
    if ("bytes" in file) return { ...rest, name: fileName, opened: openBytes(file.bytes) };
    if ("stream" in file) {
      if (read.has(file.stream))
        throw new TabsenseError(
          "invalid_argument",
          `${fileName} was given as a stream, which can be read once, and it is needed again. Load the model anew, or pass a Blob or a URL.`,
        );
      read.add(file.stream);
      return { ...rest, name: fileName, opened: { total: file.total, exact: file.exact, body: file.stream } };
    }
    const { url } = file;
    const own = isKept(file) ? copies : null;
    const copy = (await own?.open(url)) ?? null;
    signal.throwIfAborted();
    if (copy) return { ...rest, ...copy, name: url };
    const opened = await download(
      url,
      {
        retries: mayLack(file, fileName) ? 0 : network.retries,
        stall: network.stallTimeout,
        headers: () => headersOf(url),
      },
      signal,
      own?.outdated() ? "reload" : mode,
    );
    if (own && !own.fits(url, opened.version!)) {
      void opened.body.cancel().catch(() => {});
      throw new FileChanged(`${url} is of another version than the copies of the model's other files`);
    }
    return { ...rest, name: url, opened, writer: own?.write(url, opened) ?? null };
  }

  async function openWeights(): Promise<Weights> {
    if (files.shards) return openShards(files.shards.index, (name) => files.shards!.files[name] ?? null);
    const file = files["model.safetensors"];
    const index = beside(file, INDEX);
    // Without a connection nobody says that model.safetensors isn't there.
    if (index && isKept(index) && (await copies?.has(index.url)))
      return openShards(index, (name) => beside(file, name));
    const opened = await openRef(file, "model.safetensors").catch((thrown: unknown) => {
      if (index === null || !isMissing(thrown)) throw thrown;
      return openShards(index, (name) => beside(file, name)).catch((other: unknown) => {
        throw isMissing(other) ? withoutWeights(thrown) : other;
      });
    });
    if ("chunks" in opened) return opened;
    const weights = single(opened, signal);
    try {
      refuseUnread(network.integrity, ["model.safetensors"]);
      return weights;
    } catch (thrown) {
      weights.close();
      throw thrown;
    }
  }

  async function openShards(ref: FileRef, refOf: (name: string) => FileRef | null): Promise<Weights> {
    const index = await openRef(ref, INDEX);
    const { text, names } = await readIndex(index);
    const refs = names.map((shard) => {
      const file = refOf(shard);
      if (file === null)
        throw new TabsenseError(
          "invalid_argument",
          `The model lacks ${shard}, which ${INDEX} names. Give all files of the weights.`,
        );
      return { name: shard, file };
    });
    const copies = [index];
    let passed = 0;
    return {
      total: null,
      async *chunks(module, onBytes) {
        await checkWhole(index, text, module);
        yield* merged(
          refs.map(({ name, file }) => ({
            name,
            open: async function* () {
              const opened = await openRef(file, name);
              copies.push(opened);
              let before = 0;
              yield* checked(opened, module, signal, (bytes) => {
                passed += bytes - before;
                before = bytes;
                onBytes(passed, null);
              });
            },
          })),
        );
      },
      dropCopies: () => drop(copies),
      close: () => index.writer?.abandon(),
    };
  }

  /** An index and the files that it names. It is read before there is a module to check it with. */
  async function readIndex(index: CheckedFile): Promise<{ text: Uint8Array; names: string[] }> {
    try {
      const text = await readAll(index.opened, index.name, INDEX_LIMIT, signal, () => {});
      const names = shardNames(new TextDecoder().decode(text), index.name);
      refuseUnread(network.integrity, [INDEX, ...names]);
      return { text, names };
    } catch (thrown) {
      index.writer?.abandon();
      throw await failureOf(index, thrown, signal);
    }
  }

  const optional: Files["optional"] = async (name, read, onAbsent) => {
    const file = files[name] ?? null;
    const kept = isKept(file) ? file.url : null;
    const promised = network.integrity[name] !== undefined;
    if (!promised && (!file || (kept && (await copies?.lacks(kept))))) return undefined;
    try {
      if (!file) throw new TabsenseError("network", `The model has no ${name}.`, { cause: 404 });
      return await read(await openRef(file, name));
    } catch (thrown) {
      const isThere =
        file && !isAbsent(file, name, thrown) && !(kept && (await isWithheld(kept, thrown, signal)));
      if (isThere || signal.aborted) throw thrown;
      refuseAbsent(promised, name);
      if (kept) copies?.note(kept);
      onAbsent?.(thrown);
      return undefined;
    }
  };

  return {
    open: (name) => openRef(files[name], name),
    optional,
    openWeights,
    asTheyWere: () => void (mode = "force-cache"),
    anew() {
      copies?.abandon();
      copies = start("none");
      mode = "reload";
    },
    keep: () => copies?.keep(),
    abandon: () => copies?.abandon(),
  };
}

/**
 * Whether no answer for a file means that it isn't there: packages of extensions and apps have no statuses, and
 * without a connection a page's service worker has what it has. That is no reason to look for a tokenizer in other
 * files.
 */
function mayLack(file: FileRef, name: string): boolean {
  if (name === "config.json" || name.includes(".safetensors") || !("url" in file)) return false;
  const alone = [TOKENIZER_CONFIG, ...FURTHER].includes(name);
  return !isKept(file) || (alone && globalThis.navigator?.onLine === false);
}

/**
 * Whether a file that not every model has isn't there: by its status, of which storage without a listing has
 * 403, or because the site answers with its page.
 */
export function isAbsent(file: FileRef, name: string, thrown: unknown): boolean {
  const { kind, cause } = thrown instanceof TabsenseError ? thrown : { kind: null, cause: null };
  if (isMissing(thrown)) return true;
  if (!("url" in file)) return false;
  return cause === 403 || cause === 410 || cause === WEB_PAGE || (kind === "network" && mayLack(file, name));
}

function single(file: CheckedFile, signal: AbortSignal): Weights {
  return {
    total: file.opened.total,
    chunks: (module, onBytes) => checked(file, module, signal, onBytes),
    dropCopies: () => drop([file]),
    close() {
      file.writer?.abandon();
      void file.opened.body.cancel().catch(() => {});
    },
  };
}
