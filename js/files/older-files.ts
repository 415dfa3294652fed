/** The files of a tokenizer in repositories that are older than `tokenizer.json`. */

import { TabsenseError } from "../api/errors.js";

const NEWLINE = 0x0a;

/** The files that are read, if they exist, when `tokenizer_config.json` doesn't list the added tokens. */
export const EXTRA_TOKENIZER_FILES = ["special_tokens_map.json", "added_tokens.json"] as const;

/** All of them, by the names that they have on a model hub. */
export const OLDER_FILES = [
  "vocab.txt",
  "vocab.json",
  "merges.txt",
  "sentencepiece.bpe.model",
  "spm.model",
  ...EXTRA_TOKENIZER_FILES,
] as const;

/** The name of one of them. A SentencePiece file may have any name. */
export type OlderFile = (typeof OLDER_FILES)[number] | `${string}.model`;

/** Whether a file is one of them, by its name. */
export function isOlder(name: string): name is OlderFile {
  return name.endsWith(".model") || (OLDER_FILES as readonly string[]).includes(name);
}

/** Whether a file of that name contains a vocabulary. */
export function holdsVocabulary(name: string): boolean {
  return /^vocab\.(txt|json)$|\.model$/.test(name);
}

/** The files that a vocabulary is in. */
type Vocabulary = readonly OlderFile[];

const WORD_PIECE: Vocabulary = ["vocab.txt"];
const BYTE_PAIRS: Vocabulary = ["vocab.json", "merges.txt"];
const SENTENCEPIECE: Vocabulary = ["sentencepiece.bpe.model"];
const DEBERTA: Vocabulary = ["spm.model"];

/** By the tokenizer's class. Keep in step with `Class::of` in src/tokenize/read/class.rs. */
const VOCABULARY_BY_CLASS: Readonly<Record<string, Vocabulary>> = {
  BertTokenizer: WORD_PIECE,
  DistilBertTokenizer: WORD_PIECE,
  ElectraTokenizer: WORD_PIECE,
  LayoutLMTokenizer: WORD_PIECE,
  LxmertTokenizer: WORD_PIECE,
  MobileBertTokenizer: WORD_PIECE,
  SqueezeBertTokenizer: WORD_PIECE,
  MPNetTokenizer: WORD_PIECE,
  RobertaTokenizer: BYTE_PAIRS,
  BartTokenizer: BYTE_PAIRS,
  LEDTokenizer: BYTE_PAIRS,
  LongformerTokenizer: BYTE_PAIRS,
  MvpTokenizer: BYTE_PAIRS,
  XLMRobertaTokenizer: SENTENCEPIECE,
  CamembertTokenizer: SENTENCEPIECE,
  DebertaV2Tokenizer: DEBERTA,
};

/** By the model's type, if no file names the class. */
const VOCABULARY_BY_TYPE: Readonly<Record<string, Vocabulary>> = {
  bert: WORD_PIECE,
  convbert: WORD_PIECE,
  distilbert: WORD_PIECE,
  electra: WORD_PIECE,
  ernie: WORD_PIECE,
  "megatron-bert": WORD_PIECE,
  mobilebert: WORD_PIECE,
  nezha: WORD_PIECE,
  nomic_bert: WORD_PIECE,
  squeezebert: WORD_PIECE,
  mpnet: WORD_PIECE,
  roberta: BYTE_PAIRS,
  "data2vec-text": BYTE_PAIRS,
  longformer: BYTE_PAIRS,
  "roberta-prelayernorm": BYTE_PAIRS,
  "deberta-v2": DEBERTA,
  "xlm-roberta": SENTENCEPIECE,
  xmod: SENTENCEPIECE,
  camembert: SENTENCEPIECE,
};

/** Which files a tokenizer is read from. */
interface Wanted {
  vocabulary: Vocabulary;
  further: readonly OlderFile[];
}

/**
 * The older files of the model that `config.json` and `tokenizer_config.json` describe; null if its tokenizer
 * has none, or if a file can't be parsed (the engine reports why).
 */
export function olderFilesOf(config: Uint8Array, tokenizerConfig: Uint8Array | undefined): Wanted | null {
  const model = fieldsOf(config);
  const settings = tokenizerConfig ? fieldsOf(tokenizerConfig) : {};
  if (!model || !settings) return null;
  const named = textOf(settings["tokenizer_class"]) ?? textOf(model["tokenizer_class"]);
  const [table, key] =
    named === null
      ? [VOCABULARY_BY_TYPE, textOf(model["model_type"]) ?? ""]
      : [VOCABULARY_BY_CLASS, named.replace(/Fast$/, "")];
  if (!Object.hasOwn(table, key)) return null;
  return { vocabulary: table[key]!, further: settings["added_tokens_decoder"] ? [] : EXTRA_TOKENIZER_FILES };
}

/**
 * The results of `read` for the older files of a model, by name; `read` resolves to undefined if one is
 * missing. `absent` is the reason why `tokenizer.json` can't be read, if known.
 */
export async function readOlder<T>(
  config: Uint8Array,
  tokenizerConfig: Uint8Array | undefined,
  absent: unknown,
  read: (name: OlderFile) => Promise<T | undefined>,
): Promise<[name: OlderFile, content: T][]> {
  const wanted = olderFilesOf(config, tokenizerConfig);
  if (wanted === null) return [];
  const { vocabulary, further } = wanted;
  const names = [...vocabulary, ...further];
  const contents = await Promise.all(names.map(read));
  const missing = vocabulary.filter((_, i) => contents[i] === undefined);
  if (missing.length > 0) throw missingOf(vocabulary, missing, absent);
  return names.flatMap((name, i) =>
    contents[i] === undefined ? [] : [[name, contents[i]] as [OlderFile, T]],
  );
}

/**
 * Rejects a `vocab.txt` that was cut off during a download of unknown length: any prefix of it is a
 * vocabulary, too, and would give wrong answers. Such a file ends within a line and has fewer tokens than the
 * model.
 */
export function refuseCut(name: OlderFile, bytes: Uint8Array, config: Uint8Array): void {
  if (name !== "vocab.txt" || bytes.at(-1) === NEWLINE) return;
  const wanted = fieldsOf(config)?.["vocab_size"];
  const lines = bytes.reduce((count, byte) => count + Number(byte === NEWLINE), 1);
  if (typeof wanted === "number" && lines < wanted)
    throw new TabsenseError(
      "tokenizer_invalid",
      `${name} ends within a line, after ${lines} of config.json's ${wanted} tokens: it was cut off. Load the model again; if that doesn't help, the file on the server is damaged.`,
    );
}

function missingOf(vocabulary: Vocabulary, missing: readonly OlderFile[], absent: unknown): TabsenseError {
  const { kind, message, cause } =
    absent instanceof TabsenseError
      ? absent
      : new TabsenseError("invalid_argument", "The model has no tokenizer.json.");
  const [names, missingNames] = [vocabulary.join(" and "), missing.join(" and ")];
  const which = vocabulary.length === missing.length ? "which" : `and of these ${missingNames}`;
  const are = missing.length > 1 ? "are" : "is";
  return new TabsenseError(
    kind,
    `${message} Without that file, the tokenizer is read from ${names}, ${which} ${are} missing, too.`,
    { cause },
  );
}

function fieldsOf(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
