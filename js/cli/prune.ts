/** A model with a smaller vocabulary: the tokens that some texts use most, their rows, and matching files. */

import { TabsenseError } from "../api/errors.js";
import { ARCHITECTURES, reservedPositions } from "./architectures.js";
import { pieces, type ConverterModule, type WeightsSource } from "../convert.js";
import { nextTask } from "../files/bytes.js";
import { namedIds, parsed, prunedFiles } from "./pruned-files.js";
import type { Kept } from "../wasm/convert/tabsense.js";
import { furtherFiles, type SmallFiles } from "../worker/small-files.js";

/** A model's files for a smaller vocabulary, and its effect on the texts that it was chosen for. */
export interface Pruned {
  files: SmallFiles;
  /** For each new id, the row of the old table of words. */
  rows: Uint32Array;
  /** The rows of the old table. */
  rowsBefore: number;
  /** The number of the texts' words, and of those that are cut into other tokens than before. */
  words: number;
  changedWords: number;
  /** The number of the texts' tokens before, and of those that are removed. */
  tokens: number;
  droppedTokens: number;
}

/** Texts read at once. */
const TEXTS_AT_ONCE = 1000;

/**
 * The vocabulary of `keep` tokens for `texts`: special and added tokens, the single characters of the scripts
 * that they use, and then the tokens that they use most.
 *
 * Kind `"tokenizer_unsupported"` for a tokenizer other than WordPiece, `"invalid_argument"` if there is no
 * text, or if `keep` is more than there are tokens or fewer than must be kept.
 */
export async function prune(
  module: ConverterModule,
  files: SmallFiles,
  texts: AsyncIterable<string> | Iterable<string>,
  keep: number,
  onTexts: (read: number) => void = () => {},
): Promise<Pruned> {
  const corpus = new module.Corpus(
    files.config,
    files.tokenizer,
    files.tokenizerConfig,
    furtherFiles(module, files),
  );
  let read = 0;
  let batch: string[] = [];
  const next = async () => {
    corpus.read(batch);
    onTexts((read += batch.length));
    batch = [];
    await nextTask();
  };
  for await (const text of texts) if (batch.push(text) === TEXTS_AT_ONCE) await next();
  await next();

  const config = parsed(files.config);
  // Positions are always counted from this id.
  const padding = reservedPositions(config) - 1;
  const kept = corpus.keep(keep, Uint32Array.from([...namedIds(config), ...(padding < 0 ? [] : [padding])]));
  try {
    return prunedBy(kept, files, config, padding);
  } finally {
    kept.free();
    corpus.free();
  }
}

function prunedBy(kept: Kept, files: SmallFiles, config: Record<string, unknown>, padding: number): Pruned {
  const { tokens, beyond, rows } = kept;
  if (rows.includes(padding) && rows[padding] !== padding)
    throw new TabsenseError(
      "invalid_argument",
      `This model counts positions from its padding id, ${padding}, which must be kept. Keep more than ${padding} tokens.`,
    );
  return {
    files: prunedFiles(files, { tokens, beyond, rows }),
    rows,
    rowsBefore: Number(config["vocab_size"] ?? ARCHITECTURES[String(config["model_type"])]?.["vocab_size"]),
    words: kept.words,
    changedWords: kept.changedWords,
    tokens: kept.tokensRead,
    droppedTokens: kept.droppedTokens,
  };
}

/**
 * The weights with only the `rows` of their word embedding table, each tensor in its type, as one safetensors
 * file; `config` is the original model's. `onWarnings` is called at the end with the tensors that are left
 * out, a sentence each.
 */
export function prunedWeights(
  module: ConverterModule,
  source: WeightsSource,
  config: Uint8Array,
  rows: Uint32Array,
  onWarnings: (warnings: readonly string[]) => void = () => {},
): WeightsSource {
  return {
    async *weights() {
      const pruner = new module.Pruner(config, rows);
      for await (const bytes of pieces(source, pruner)) yield pruner.push(bytes);
      onWarnings(pruner.warnings);
      yield pruner.finish();
    },
  };
}
