/** Opens a model's weights: chooses the file, and continues with its shards or external data. */

import { TabsenseError, toError } from "../api/errors.js";
import { quoted } from "../api/quoted.js";
import type { EngineModule } from "../builds.js";
import type { FileRef, LoadRequest } from "../client/protocol.js";
import { readAll } from "./bytes.js";
import type { Copies } from "./cache.js";
import { checked, checkWhole, drop, failureOf, type CheckedFile } from "./check.js";
import { candidatesOf, isIndex, sizeOf, type Candidate, type Listing } from "./choice.js";
import { refusePage } from "./foreign.js";
import type { HeadersOf } from "./freshness.js";
import { refuseUnread } from "./integrity.js";
import { listRepository } from "./listing.js";
import { siblingOf, isElsewhere, isKept } from "./places.js";
import { merged, shardNames } from "./shards.js";
import { asSafetensors, type Rewriting } from "./torch.js";
import { withoutWeights } from "./without-weights.js";

/** Weights that are open, in one file or several. */
export interface Weights {
  /** The file that was chosen, by its name in the repository. */
  file: string;
  /** How the engine is to store the weights. */
  dtype: Candidate["dtype"];
  /** Its length in bytes, if known. */
  total: number | null;
  /**
   * Its bytes, checked, in pieces; to be called once. A PyTorch checkpoint is rewritten as a safetensors
   * file; `onBytes` counts the bytes of the checkpoint itself.
   */
  chunks(module: EngineModule, onBytes: OnBytes): AsyncGenerator<Uint8Array>;
  /** Opens the file of that name in the same folder, in which the weights continue. */
  further(name: string): Promise<Pick<Weights, "file" | "total" | "chunks">>;
  /**
   * Called once everything is read. Throws kind `"integrity"` if a digest was promised for a file that
   * wasn't.
   */
  end(): void;
  /** Drops the copies that the weights come from; resolves to false if there are none. */
  dropCopies(): Promise<boolean>;
  /** Releases the files that are not being read. */
  close(): void;
}

type OnBytes = (bytes: number, total: number | null) => void;

/** What weights are opened with. */
export interface WeightsContext {
  request: LoadRequest;
  /** Opens one of the model's files; `isGuess`: it may not exist, and another one is then used instead. */
  open(file: FileRef, name: string, isGuess?: boolean): Promise<CheckedFile>;
  /** The files in the folder of a file on disk; null if it can't be listed. */
  listFolder(path: string, subfolder: string): Promise<Listing | null>;
  copies(): Copies | null;
  headersOf: HeadersOf;
  /** Starts the module that reads PyTorch checkpoints. */
  startRewriter(): Promise<Rewriting>;
  signal: AbortSignal;
}

/** The maximum length of an index of files, in bytes: more than for as many tensors as a model may have. */
export const INDEX_LIMIT = 1 << 20;

/** Names that an ONNX file's external data may have; the file says which. */
const DATA = /data(_\d+)?$/;

/** Opens the weights of a request. */
export interface WeightsOpener {
  /** Opens the best file that exists; the repository is listed once. */
  open(): Promise<Weights>;
  /** Makes the next `open` list the repository again. */
  restart(): void;
  /**
   * Whether another file may be used instead of `file`, which the engine refused with `thrown`: if the choice
   * was left to this package, an ONNX file of a kind that it can't read is not an error. If there is no other
   * file, `open` rejects with that error.
   */
  instead(file: string, thrown: unknown): boolean;
  /** The files that were refused, a sentence each. */
  notes(): string[];
}

/** The kinds of errors for a file with other content than is needed. */
const UNFIT: readonly string[] = ["weights_header", "weights_mismatch"];

/** Starts with nothing opened. */
export function startWeights(context: WeightsContext): WeightsOpener {
  const { request, open, copies, headersOf, signal } = context;
  const { files, weights: wanted, network } = request;
  const { given, hub } = files.weights;
  const config = files["config.json"];
  const pinned = Object.keys(network.integrity);
  let listing: Promise<Listing | null> | null = null;
  let unread = false;
  const unfit = new Map<string, TabsenseError>();

  /** Where the file of that name is, or null if the caller didn't pass it. */
  const refOf = (name: string): FileRef | null => {
    if (!given) return siblingOf(config, name);
    return Object.hasOwn(given, name) ? given[name]! : null;
  };

  /** If the module doesn't start, the bytes aren't damaged: their copies stay. */
  async function rewriting(): Promise<Rewriting> {
    unread = true;
    const module = await context.startRewriter();
    unread = false;
    return module;
  }

  const dropCopies = async (files: readonly CheckedFile[]) => !unread && drop(files);

  async function list(): Promise<Listing | null> {
    if (given) return new Map(Object.entries(given).map(([name, file]) => [name, sizeIn(file)]));
    if (hub) return listRepository(hub, headersOf, signal);
    return "path" in config ? context.listFolder(config.path, wanted.subfolder) : null;
  }

  async function openWeights(): Promise<Weights> {
    const guesses = candidatesOf(wanted, null, pinned);
    const chosen = (await copies()?.chosen()) ?? null;
    const before = guesses.filter(({ file }) => chosen !== null && addressOf(refOf(file)) === chosen.url);
    // A file that an earlier load chose and kept, or that the caller names, needs no listing.
    const isKnown = before.length > 0 && chosen?.isCurrent && !unfit.has(before[0]!.file);
    const isCertain = isKnown || (!given && pinned.includes(guesses[0]!.file));
    const listed = isCertain ? null : await (listing ??= list());
    const found = listed ? candidatesOf(wanted, listed, pinned) : [...new Set([...before, ...guesses])];
    let first: unknown = null;
    // If nothing fits, the error is that of the usual file.
    for (const candidate of found.length > 0 ? found : guesses.slice(0, 1)) {
      const ref = refOf(candidate.file);
      if (!ref || unfit.has(candidate.file)) continue;
      try {
        return await openCandidate(candidate, ref, listed);
      } catch (thrown) {
        if (!isElsewhere(ref, thrown)) throw thrown;
        first ??= thrown;
      }
    }
    const [refusal] = unfit.values();
    throw refusal ?? (await withoutWeights(first, request, await listing, headersOf, signal));
  }

  async function openCandidate(candidate: Candidate, ref: FileRef, listed: Listing | null): Promise<Weights> {
    const opened = await refusePage(await open(ref, candidate.file, !listed));
    return isIndex(candidate.file)
      ? openShards(candidate, opened, listed && sizeOf(candidate.file, listed))
      : openSingle(candidate, opened, listed);
  }

  function openSingle({ file, dtype }: Candidate, main: CheckedFile, listed: Listing | null): Weights {
    note(file, "choose");
    const read: [name: string, file: CheckedFile][] = [];
    const part = (name: string, opened: CheckedFile) => {
      read.push([name, opened]);
      if (opened !== main) note(name, "chooseAlso");
      // The length that a server announces for compressed bytes is less than the number that will arrive.
      const size = listed?.get(name) ?? null;
      const totalAt = (bytes: number, announced: number | null) =>
        size !== null && bytes <= size ? size : announced;
      return {
        file: name,
        total: size ?? opened.opened.total,
        chunks(module: EngineModule, onBytes: OnBytes) {
          const bytes = checked(opened, module, signal, (bytes, announced) =>
            onBytes(bytes, totalAt(bytes, announced)),
          );
          // External data is plain numbers, which may look like a checkpoint.
          return opened === main ? asSafetensors(bytes, rewriting) : bytes;
        },
      };
    };
    const names = () => read.map(([name]) => name);
    const close = () =>
      read.forEach(([, { writer, opened }]) => {
        writer?.abandon();
        void opened.body.cancel().catch(() => {});
      });
    const weights: Weights = {
      ...part(file, main),
      dtype,
      async further(name) {
        const at = `${file.slice(0, file.lastIndexOf("/") + 1)}${plainName(name, file)}`;
        const ref = refOf(at);
        if (!ref) throw missingFile(at, file);
        return part(at, await open(ref, at));
      },
      end: () => refuseUnread(network.integrity, names()),
      dropCopies: () => dropCopies(read.map(([, opened]) => opened)),
      close,
    };
    try {
      const isOnnx = file.endsWith(".onnx");
      refuseUnread(network.integrity, names(), (name) => isOnnx && DATA.test(name));
      return weights;
    } catch (thrown) {
      close();
      throw thrown;
    }
  }

  async function openShards(
    { file, dtype }: Candidate,
    index: CheckedFile,
    total: number | null,
  ): Promise<Weights> {
    const { text, names } = await readIndex(index, file);
    const refs = names.map((name) => {
      const ref = refOf(name);
      if (ref === null) throw missingFile(name, file);
      return { name, ref };
    });
    note(file, "choose");
    for (const name of names) note(name, "chooseAlso");
    const read = [index];
    let passed = 0;
    return {
      file,
      dtype,
      total,
      async *chunks(module, onBytes) {
        await checkWhole(index, text, module);
        yield* merged(
          refs.map(({ name, ref }) => ({
            name,
            open: async function* () {
              const opened = await open(ref, name);
              read.push(opened);
              let before = 0;
              const bytes = checked(opened, module, signal, (bytes) => {
                passed += bytes - before;
                before = bytes;
                // Bytes of a file that is read again, because it was not kept open, count twice.
                onBytes(passed, total !== null && passed <= total ? total : null);
              });
              yield* asSafetensors(bytes, rewriting);
            },
          })),
        );
      },
      further: async (name) => {
        throw missingFile(name, file);
      },
      end: () => {}, // only the index says which files there are
      dropCopies: () => dropCopies(read),
      close: () => index.writer?.abandon(),
    };
  }

  /** An index and the files that it names. It is read before there is a module to check it with. */
  async function readIndex(index: CheckedFile, name: string): Promise<{ text: Uint8Array; names: string[] }> {
    try {
      const text = await readAll(index.opened, index.name, INDEX_LIMIT, signal, () => {});
      const names = shardNames(new TextDecoder().decode(text), index.name);
      refuseUnread(network.integrity, [name, ...names]);
      return { text, names };
    } catch (thrown) {
      index.writer?.abandon();
      throw await failureOf(index, thrown, signal);
    }
  }

  /** Records a file, so that a later start reads the same ones without listing them. */
  function note(name: string, as: "choose" | "chooseAlso"): void {
    const address = addressOf(refOf(name));
    if (address !== null) copies()?.[as](address);
  }

  return {
    open: openWeights,
    restart: () => void (listing = null),
    instead(file, thrown) {
      const isOurs = wanted.dtype === "auto" && file.endsWith(".onnx") && !pinned.includes(file);
      if (!isOurs || unfit.has(file)) return false;
      const error = toError(thrown);
      if (UNFIT.includes(error.kind)) unfit.set(file, error);
      return unfit.has(file);
    },
    notes: () =>
      [...unfit].map(([file, { message }]) => `${file} can't be read, so another file is used. ${message}`),
  };
}

function addressOf(ref: FileRef | null): string | null {
  return isKept(ref) ? ref.url : null;
}

/** The length of a file that is in memory or has a known length. */
function sizeIn(file: FileRef): number | null {
  if ("blob" in file) return file.blob.size;
  if ("bytes" in file) return file.bytes.length;
  return "stream" in file ? file.total : null;
}

/** Checks the name that a file gives for another one: only a file in its own folder is allowed. */
export function plainName(name: string, file: string): string {
  if (/^[\w-][\w.:()@+ -]*$/.test(name)) return name;
  throw new TabsenseError(
    "weights_header",
    `${file} says that its weights are in ${quoted(name)}, which is not a file in the same folder. Export the model with its data next to it.`,
  );
}

function missingFile(name: string, file: string): TabsenseError {
  return new TabsenseError(
    "invalid_argument",
    `The model lacks ${name}, which ${file} names. Pass all weights files.`,
  );
}
