/** The small files of a model, read before the weights: its configuration and its tokenizer. */

import { isTrap, TabsenseError } from "../api/errors.js";
import { TOKENIZER_CONFIG, type Progress } from "../api/types.js";
import type { LoadRequest } from "../client/protocol.js";
import { CopyDamaged, readAll } from "../files/bytes.js";
import type { CheckedFile } from "../files/check.js";
import { withoutMark } from "../files/foreign.js";
import { refuseOlder } from "../files/integrity.js";
import type { Files } from "../files/model-files.js";
import { checkWhole, failureOf } from "../files/check.js";
import { EMBEDDING_FILES, type EmbeddingFile, type EmbeddingFiles } from "../files/embedding-files.js";
import { readOlder, refuseCut, type OlderFile } from "../files/older-files.js";
import type { FurtherFiles } from "../wasm/simd/tabsense.js";
import type { Runtime } from "./engine.js";
import { progressOf, type FileProgress } from "./progress.js";

/** The small files of a model. */
export interface SmallFiles {
  config: Uint8Array;
  /** Undefined if older files replace it. */
  tokenizer: Uint8Array | undefined;
  tokenizerConfig: Uint8Array | undefined;
  /** The older files that replace `tokenizer`. */
  older: [name: OlderFile, bytes: Uint8Array][];
  /** For an embedder: the files with its settings, if any. */
  embedding: EmbeddingFiles;
}

/** The maximum length of `config.json` and `tokenizer.json`, in bytes. */
export const CONFIG_LIMIT = 1 << 20;
export const TOKENIZER_LIMIT = 64 << 20;
/** The maximum length of `tokenizer_config.json`, in bytes. */
export const TOKENIZER_CONFIG_LIMIT = 4 << 20;
/** The maximum length of `vocab.txt`, `vocab.json` and SentencePiece files, in bytes. */
export const VOCABULARY_LIMIT = 64 << 20;
/** The maximum length of `merges.txt`, in bytes. */
export const MERGES_LIMIT = 64 << 20;
/** The maximum length of `special_tokens_map.json` and `added_tokens.json`, in bytes. */
export const SPECIAL_TOKENS_LIMIT = 1 << 20;
export const ADDED_TOKENS_LIMIT = 4 << 20;

/** The name of a small file. */
export type SmallFile =
  | "config.json"
  | "tokenizer.json"
  | typeof TOKENIZER_CONFIG
  | OlderFile
  | EmbeddingFile;

/** The maximum length of a file, and the stage of its progress, if any. */
const KINDS: Readonly<Record<string, [limit: number, stage: Progress["stage"] | null]>> = {
  "config.json": [CONFIG_LIMIT, "config"],
  "tokenizer.json": [TOKENIZER_LIMIT, "tokenizer"],
  [TOKENIZER_CONFIG]: [TOKENIZER_CONFIG_LIMIT, "tokenizer"],
  "merges.txt": [MERGES_LIMIT, "tokenizer"],
  "special_tokens_map.json": [SPECIAL_TOKENS_LIMIT, null],
  "added_tokens.json": [ADDED_TOKENS_LIMIT, null],
  ...Object.fromEntries(EMBEDDING_FILES.map((name) => [name, [CONFIG_LIMIT, null]])),
};
const VOCABULARY = [VOCABULARY_LIMIT, "tokenizer"] as const;

/** The maximum length of a small file of that name, in bytes. */
export function limitOf(name: SmallFile): number {
  return (KINDS[name] ?? VOCABULARY)[0];
}

/** How many times files are read again because one changed meanwhile, or a copy of it was damaged. */
export const MAX_RESTARTS = 3;

/**
 * Returns a function that reads and checks the files of `request`. Files that can be read only once are kept
 * for a second time. The files of a model with a `tokenizer.json` are read in parallel; if there is none, the
 * older files follow, because the others determine which are needed.
 */
export function startReading(
  files: Files,
  starting: Promise<Runtime>,
  request: LoadRequest,
  signal: AbortSignal,
  emit: (progress: FileProgress) => void,
): (onConfig: ((config: Uint8Array) => void) | null) => Promise<SmallFiles> {
  const streams = new Map<SmallFile, Uint8Array>();

  async function contentOf(name: SmallFile, file: CheckedFile): Promise<Uint8Array> {
    const [limit, stage] = KINDS[name] ?? VOCABULARY;
    try {
      const report = stage === null ? () => {} : progressOf(stage, name, emit);
      const bytes = await readAll(file.opened, file.name, limit, signal, report);
      // The length of a compressed file is unknown until its end.
      if (file.opened.total !== bytes.length) report(bytes.length, bytes.length);
      await checkWhole(file, bytes, (await starting).module);
      const text = withoutMark(bytes);
      const ref = request.files[name];
      if (ref && "stream" in ref) streams.set(name, text);
      return text;
    } catch (thrown) {
      file.writer?.abandon();
      throw await failureOf(file, thrown, signal);
    }
  }

  async function steady<T>(name: SmallFile, read: () => Promise<T>): Promise<T | Uint8Array> {
    const before = streams.get(name);
    if (before) return before;
    for (let restarts = 0; ; restarts++) {
      try {
        return await read();
      } catch (thrown) {
        if (!(thrown instanceof CopyDamaged)) throw thrown;
        if (restarts >= MAX_RESTARTS) throw changedRepeatedly(thrown);
      }
    }
  }

  const optional = (name: Exclude<SmallFile, "config.json">, onAbsent?: (thrown: unknown) => void) =>
    steady(name, () => files.optional(name, (file) => contentOf(name, file), onAbsent));

  return async (onConfig) => {
    let absent: unknown = null;
    const ofEmbedder = request.task === "embed" ? EMBEDDING_FILES : [];
    const [config, tokenizer, tokenizerConfig, ...settings] = await Promise.all([
      steady("config.json", async () => contentOf("config.json", await files.open("config.json"))).then(
        (config) => (onConfig?.(config), config),
      ),
      optional("tokenizer.json", (thrown) => (absent = thrown)),
      optional(TOKENIZER_CONFIG),
      ...ofEmbedder.map((name) => optional(name)),
    ]);
    const older = tokenizer
      ? []
      : await readOlder(config, tokenizerConfig, absent, (name) => optional(nameIn(request, name)));
    for (const [name, bytes] of older) refuseCut(name, bytes, config);
    refuseOlder(
      request.network.integrity,
      older.map(([name]) => nameIn(request, name)),
    );
    const embedding = Object.fromEntries(ofEmbedder.map((name, i) => [name, settings[i]]));
    return { config, tokenizer, tokenizerConfig, older, embedding };
  };
}

/** A SentencePiece file may be passed under its own name. */
function nameIn({ files }: LoadRequest, name: OlderFile): OlderFile {
  if (files[name] || !name.endsWith(".model")) return name;
  return (Object.keys(files).find((other) => other.endsWith(".model")) as OlderFile | undefined) ?? name;
}

/** The older files in the form that the engine accepts and consumes; undefined if there are none. */
export function furtherFiles<T extends FurtherFiles>(
  module: { FurtherFiles: new () => T },
  { older }: Pick<SmallFiles, "older">,
): T | undefined {
  if (older.length === 0) return undefined;
  const files = new module.FurtherFiles();
  try {
    for (const [name, bytes] of older) files.set(name, bytes);
    return files;
  } catch (thrown) {
    if (!isTrap(thrown)) files.free();
    throw thrown;
  }
}

/** The error for files that keep changing. */
export function changedRepeatedly(change: Error): TabsenseError {
  return new TabsenseError(
    "network",
    `${change.message}, repeatedly. Load the model later; if that doesn't help, check the server.`,
    { cause: change },
  );
}
