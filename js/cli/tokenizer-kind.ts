/** The kind of a model's tokenizer, from as few bytes of its files as possible. */

import { isAbsent } from "../files/model-files.js";
import { siblingOf, type Place } from "../files/places.js";
import { olderFilesOf, type OlderFile } from "../files/older-files.js";
import { readAll } from "../files/bytes.js";
import { TOKENIZER_CONFIG } from "../api/types.js";
import { TOKENIZER_CONFIG_LIMIT } from "../worker/small-files.js";
import { readPlace } from "./model-files.js";

/** A model's tokenizer. */
export interface TokenizerKind {
  /** How it splits words: `"WordPiece"`, `"BPE"`, `"Unigram"`; null if its file doesn't say. */
  kind: string | null;
  /** The files that contain its vocabulary. */
  files: string[];
}

/** Where `tokenizer.json` names the kind. Within a string the quotes would be escaped. */
const KIND = /"model"\s*:\s*\{\s*"type"\s*:\s*"(\w+)"/;

/** More characters than a match has. */
const OVERLAP = 256;

/** The kind, by the first file of an older repository's vocabulary. */
const KIND_BY_FILE: Readonly<Record<string, string>> = { "vocab.txt": "WordPiece", "vocab.json": "BPE" };

/**
 * The tokenizer of the model whose `config.json`, with these bytes, is at `place`. Null if its files don't
 * exist.
 */
export async function tokenizerOf(
  place: Place,
  config: Uint8Array,
  signal: AbortSignal,
): Promise<TokenizerKind | null> {
  const name = "tokenizer.json";
  const kind = await ifExists(place, name, (at) => kindOf(at, signal));
  if (kind !== undefined) return { kind, files: [name] };
  const settings = await ifExists(place, TOKENIZER_CONFIG, (at) =>
    readPlace(at, signal, (opened, name) => readAll(opened, name, TOKENIZER_CONFIG_LIMIT, signal, () => {})),
  );
  const vocabulary = olderFilesOf(config, settings)?.vocabulary;
  if (!vocabulary) return null;
  const there = await Promise.all(
    vocabulary.map((file) =>
      ifExists(place, file, (at) => readPlace(at, signal, async ({ body }) => (await body.cancel(), true))),
    ),
  );
  return there.every(Boolean) ? { kind: kindOfOlder(vocabulary[0]!), files: [...vocabulary] } : null;
}

function kindOfOlder(file: OlderFile): string {
  return KIND_BY_FILE[file] ?? "Unigram";
}

/** The result of `read` for the file `name` next to `place`; undefined if there is none. */
async function ifExists<T>(
  place: Place,
  name: string,
  read: (at: Place) => Promise<T>,
): Promise<T | undefined> {
  const at = siblingOf(place, name);
  try {
    return await read(at);
  } catch (thrown) {
    if (isAbsent(at, name, thrown)) return undefined;
    throw thrown;
  }
}

/** The kind in a `tokenizer.json`, which precedes its vocabulary; the vocabulary is not read. */
function kindOf(place: Place, signal: AbortSignal): Promise<string | null> {
  return readPlace(place, signal, async ({ body }) => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const found = KIND.exec(text);
      if (found) return found[1]!;
      text = text.slice(-OVERLAP);
    }
    return null;
  });
}
