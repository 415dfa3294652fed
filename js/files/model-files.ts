/** Opens a model's files, each from where it is: a kept copy, the network, the disk, or memory. */

import type { CheckedFile } from "./check.js";
import { isWeightsFile, type Listing } from "./choice.js";
import { siblingOf, isKept, isMissing, isRefusedOrPage } from "./places.js";
import { download } from "./download.js";
import { TabsenseError, toError } from "../api/errors.js";
import type { Copies, ModelCache, Use } from "./cache.js";
import { transferOf, type FileRef, type LoadRequest } from "../client/protocol.js";
import { refuseAbsent } from "./integrity.js";
import { FileChanged, openBlob, openBytes, type Opened } from "./bytes.js";
import type { EmbeddingFile } from "./embedding-files.js";
import { EXTRA_TOKENIZER_FILES, type OlderFile } from "./older-files.js";
import { isWithheld, WITHHELD } from "./withheld.js";
import { startVersionCheck } from "./version-check.js";
import { startWeights, type Weights, type WeightsOpener } from "./weights.js";
import type { Rewriting } from "./torch.js";
import { TOKENIZER_CONFIG } from "../api/types.js";

/** What differs between the browser and Node. */
export interface FilesHost {
  openPath(path: string): Promise<Opened>;
  /**
   * The files in the folder of the file at `path`, and in its `subfolder`, by their paths in the folder; null
   * if it can't be listed.
   */
  listFolder(path: string, subfolder: string): Promise<Listing | null>;
  /** Where copies are kept, if at all. */
  cache: ModelCache | null;
}

/** A model's files. */
export interface Files {
  open(name: "config.json"): Promise<CheckedFile>;
  /**
   * The bytes that `read` returns for a file that not every model has; undefined if this model has none.
   * `onAbsent` is called with the error that says so.
   */
  optional(
    name: OptionalFile,
    read: (file: CheckedFile) => Promise<Uint8Array>,
    onAbsent?: (thrown: unknown) => void,
  ): Promise<Uint8Array | undefined>;
  openWeights(): Promise<Weights>;
  /** See {@link WeightsOpener}. */
  instead: WeightsOpener["instead"];
  /** Weights files that were not used, a sentence each. */
  notes(): string[];
  /** From now on, files are loaded as they were before, without a connection if necessary. */
  preferCached(): void;
  /** Called once all files are read. Rejects with {@link FileChanged} if they are of different versions. */
  confirm(): Promise<void>;
  /**
   * Whether fetching a wrong file again may help: a browser's HTTP cache, or a proxy, may have kept a damaged
   * or an old one.
   */
  mayBeStale(): boolean;
  /** Fetches all files again: those read so far may be from several versions. */
  restart(): void;
  /** The model has loaded: its files are kept for the next start. */
  commit(): void;
  /** The model failed to load: none of its files is kept, and passed streams are cancelled. */
  abandon(): void;
}

/** A file that not every model has. */
type OptionalFile = "tokenizer.json" | typeof TOKENIZER_CONFIG | OlderFile | EmbeddingFile;

/** The streams that were read: each can be read only once. */
const read = new WeakSet<ReadableStream>();

/**
 * Opens the files of `request` until `signal` fires. `loaded`: whether the model was loaded before, so that
 * its files are needed as they were; `ask` gets the headers of a request if the caller passed a function for
 * them; `startRewriter` starts the module that reads PyTorch checkpoints.
 */
export function startFiles(
  host: FilesHost,
  request: LoadRequest,
  signal: AbortSignal,
  loaded: boolean,
  ask: (url: string, signal: AbortSignal) => Promise<Record<string, string>>,
  startRewriter: () => Promise<Rewriting>,
): Files {
  const { files, network } = request;
  const { weights, ...small } = files;
  /** All files whose places are known. */
  const named = [...Object.values(weights.given ?? {}), ...Object.values(small)];
  const cache = network.cache ? host.cache : null;
  let versions = startVersionCheck();
  let mode: RequestCache = loaded ? "force-cache" : "default";
  let copies = start(loaded ? "as-is" : "revalidated");

  /**
   * The copies of this model. Its key is the address of `model.safetensors`, whichever file the weights are
   * read from (an earlier load's choice for the same options is noted with the copies). If the caller passed
   * the weights, it is that of the first file that is kept.
   */
  function start(use: Use): Copies | null {
    const key = weights.given ? named.find(isKept) : siblingOf(files["config.json"], "model.safetensors");
    return cache && isKept(key)
      ? cache.start(key.url, Object.values(request.weights).join(" "), use, headersOf, signal)
      : null;
  }

  /** Headers go to the model's origin, or wherever the caller's function sends them. */
  async function headersOf(url: string): Promise<Record<string, string>> {
    if (network.headers === "callback") return ask(url, signal);
    const own = [files["config.json"], ...named].find((file) => file && "url" in file);
    const given = own && new URL(url).origin === new URL((own as { url: string }).url).origin;
    return given ? (network.headers ?? {}) : {};
  }

  /** The digest promised for a file, which may be named like a property that every object has. */
  const digestOf = (name: string) =>
    Object.hasOwn(network.integrity, name) ? network.integrity[name]! : null;

  async function openRef(file: FileRef, fileName: string, isGuess = false): Promise<CheckedFile> {
    const rest = { sha256: digestOf(fileName), checksum: null, drop: null, writer: null };
    if ("path" in file) return { ...rest, name: file.path, opened: await host.openPath(file.path) };
    if ("blob" in file) return { ...rest, name: fileName, opened: openBlob(file.blob) };
    if ("bytes" in file) return { ...rest, name: fileName, opened: openBytes(file.bytes) };
    if ("stream" in file) {
      if (read.has(file.stream))
        throw new TabsenseError(
          "invalid_argument",
          `${fileName} was passed as a stream, which can be read only once. Load the model again, or pass a Blob or a URL.`,
        );
      read.add(file.stream);
      return { ...rest, name: fileName, opened: { total: file.total, exact: file.exact, body: file.stream } };
    }
    const { url } = file;
    const own = isKept(file) ? copies : null;
    const copy = (await own?.open(url)) ?? null;
    signal.throwIfAborted();
    if (copy) {
      const { total: bytes, version } = copy.opened;
      versions.opened(url, { version: version!, bytes, fromCopy: true });
      return { ...rest, ...copy, name: url };
    }
    let withheld = false;
    const opened = await download(
      url,
      {
        retries: mayBeMissing(file, fileName) ? 0 : network.retries,
        stall: network.stallTimeout,
        headers: () => headersOf(url),
        ...(isGuess && { isAbsent: async (error) => (withheld = await isWithheld(url, error, signal)) }),
      },
      signal,
      own?.outdated() ? "reload" : mode,
    ).catch((thrown: unknown) => {
      throw withheld ? new TabsenseError("network", toError(thrown).message, { cause: WITHHELD }) : thrown;
    });
    try {
      const { total: bytes, version } = opened;
      if (own && !own.fits(url, version!))
        throw new FileChanged(`${url} has another version than the copies of the model's other files`);
      versions.opened(url, { version: version!, bytes, fromCopy: false });
    } catch (changed) {
      void opened.body.cancel().catch(() => {});
      throw changed;
    }
    return { ...rest, name: url, opened, writer: own?.write(url, opened) ?? null };
  }

  const optional: Files["optional"] = async (name, read, onAbsent) => {
    const file = files[name] ?? null;
    const address = isKept(file) ? file.url : null;
    const hasDigest = digestOf(name) !== null;
    if (!hasDigest && (!file || (address && (await copies?.isKnownAbsent(address))))) return undefined;
    try {
      if (!file) throw new TabsenseError("network", `The model has no ${name}.`, { cause: 404 });
      return await read(await openRef(file, name));
    } catch (thrown) {
      const exists =
        file && !isAbsent(file, name, thrown) && !(address && (await isWithheld(address, thrown, signal)));
      if (exists || signal.aborted) throw thrown;
      refuseAbsent(hasDigest, name);
      if (address) copies?.note(address);
      onAbsent?.(thrown);
      return undefined;
    }
  };

  const opening = startWeights({
    request,
    open: openRef,
    listFolder: host.listFolder,
    copies: () => copies,
    headersOf,
    startRewriter,
    signal,
  });

  return {
    open: (name) => openRef(files[name], name),
    optional,
    openWeights: opening.open,
    instead: opening.instead,
    notes: opening.notes,
    preferCached: () => void (mode = "force-cache"),
    // The same version as before must be loaded, even if the server has a newer one.
    async confirm() {
      if (mode !== "force-cache") await versions.confirm(headersOf, signal);
    },
    mayBeStale: () => mode === "default" && versions.fetched() && transferOf(request).length === 0,
    restart() {
      copies?.abandon();
      versions = startVersionCheck();
      copies = start("none");
      mode = "reload";
      opening.restart();
    },
    commit: () => copies?.commit(),
    abandon() {
      copies?.abandon();
      // Streams that are being read are locked, and cancelled by their readers.
      for (const stream of transferOf(request)) void stream.cancel().catch(() => {});
    },
  };
}

/**
 * Whether a failed request for a file means that it doesn't exist: packages of extensions and apps have no
 * statuses, and without a connection a page's service worker has only the files that it has. The latter is no
 * reason to look for a tokenizer in other files.
 */
function mayBeMissing(file: FileRef, name: string): boolean {
  if (name === "config.json" || isWeightsFile(name) || !("url" in file)) return false;
  const alone = [TOKENIZER_CONFIG, ...EXTRA_TOKENIZER_FILES].includes(name);
  return !isKept(file) || (alone && globalThis.navigator?.onLine === false);
}

/**
 * Whether a file that not every model has is missing: by its status (403 from storage without a listing), or
 * because the site responds with its own page.
 */
export function isAbsent(file: FileRef, name: string, thrown: unknown): boolean {
  if (isMissing(thrown)) return true;
  if (!("url" in file)) return false;
  const isUnreachable = thrown instanceof TabsenseError && thrown.kind === "network";
  return isRefusedOrPage(thrown) || (isUnreachable && mayBeMissing(file, name));
}
