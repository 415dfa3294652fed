/** `tabsense convert --vocabulary`: from a model to a folder with a smaller vocabulary. */

import { realpathSync } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { TabsenseError } from "../api/errors.js";
import { TOKENIZER_CONFIG } from "../api/types.js";
import { convert, loadConverter } from "../convert.js";
import { EMBEDDING_FILES } from "../files/embedding-files.js";
import { startBar } from "./bar.js";
import {
  compressed,
  countedOf,
  readSmallFiles,
  readOptional,
  rounded,
  writeWhole,
  type Conversion,
} from "./convert-file.js";
import { sourceOf } from "./convert-source.js";
import { formatOf, openInput, statOf } from "./input.js";
import { print, log } from "./print.js";
import { prune, prunedWeights, type Pruned } from "./prune.js";
import { PAIR_COLUMNS } from "./row.js";
import { openRows } from "./rows.js";

/** A conversion to a folder; without a dtype each tensor keeps its type. */
export interface FolderConversion extends Omit<Conversion, "dtype"> {
  dtype: string | undefined;
  /** The file of texts that show which tokens are used, and the column of its rows that they are in. */
  vocabulary: string;
  column: string | null;
  /** How many tokens are kept. */
  keep: number;
}

const WEIGHTS = "model.safetensors";

/** Files for other programs, or for an embedder, that contain no token ids. */
const COPIED = ["special_tokens_map.json", ...EMBEDDING_FILES] as const;

/** Prunes the vocabulary of a model. The folder gets its name only once all its files are complete. */
export async function convertFolder(job: FolderConversion, signal: AbortSignal): Promise<void> {
  const { from, dtype, calibration, tables, compress, force } = job;
  const output = resolve(job.output);
  await checkFolder(output, force);
  const module = await loadConverter();
  const source = await sourceOf(from, module, signal);
  checkApart(output, source.paths);
  const files = await readSmallFiles(source.place, signal);
  const bar = startBar(null);
  const temporary = `${output}.${process.pid}.tmp`;
  let read = 0;
  let notes: readonly string[] = [];
  try {
    const pruned = await prune(module, files, textsIn(job, signal), job.keep, (texts) => {
      signal.throwIfAborted();
      bar.say(`reading: ${texts} texts`);
    });
    bar.clear();
    const smaller = (weights: typeof source | ReturnType<typeof countedOf>) =>
      prunedWeights(module, weights, files.config, pruned.rows, (warnings) => void (notes = warnings));
    const counted = smaller(countedOf(source, (bytes) => void (read += bytes)));
    const model = { ...pruned.files, ...smaller(source), bytes: source.bytes };
    const pieces =
      dtype === undefined
        ? counted.weights()
        : calibration === undefined
          ? convert(new module.Converter(dtype), counted)
          : await rounded(
              module,
              model,
              counted,
              () => read,
              { calibration, tables },
              () => {},
              signal,
            );

    await mkdir(dirname(output), { recursive: true });
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary); // fails if somebody has put a link there
    const file = compress ? compressed(module, pieces) : pieces;
    const written = await writeWhole(join(temporary, WEIGHTS), file, signal);
    const copied = COPIED.filter((name) => !pruned.files.older.some(([older]) => older === name)).map(
      async (name) => [name, await readOptional(source.place, name, signal)] as const,
    );
    const { config, tokenizer, tokenizerConfig, older } = pruned.files;
    const small = [
      ["config.json", config],
      ["tokenizer.json", tokenizer],
      [TOKENIZER_CONFIG, tokenizerConfig],
    ] as const;
    for (const [name, bytes] of [...small, ...older, ...(await Promise.all(copied))]) {
      if (bytes === undefined) continue;
      await mkdir(dirname(join(temporary, name)), { recursive: true });
      await writeFile(join(temporary, name), bytes);
    }
    signal.throwIfAborted();
    if (statOf(output)) await (force ? rm(output, { recursive: true }) : rmdir(output));
    await rename(temporary, output);
    for (const sentence of notes) log(`tabsense: ${sentence}\n`);
    await print(reportOf(job, pruned));
    await print(
      `${join(job.output, WEIGHTS)}: ${written} bytes, ${share(written, read)} of ${source.name}\n`,
    );
  } finally {
    bar.clear();
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Refuses an existing folder, unless it is empty, or `force` is set and it contains only a model. */
async function checkFolder(output: string, force: boolean): Promise<void> {
  const found = statOf(output);
  if (!found) return;
  if (!found.isDirectory())
    throw new TabsenseError(
      "invalid_argument",
      `${output} is a file, but a pruned model is a folder of files. Name a folder.`,
    );
  const names = await readdir(output);
  if (names.length === 0) return;
  if (!force)
    throw new TabsenseError(
      "invalid_argument",
      `${output} already exists. Name another folder, or overwrite it with --force.`,
    );
  const written: readonly string[] = [
    WEIGHTS,
    "config.json",
    "tokenizer.json",
    TOKENIZER_CONFIG,
    "vocab.txt",
    "added_tokens.json",
    ...COPIED.map((name) => name.split("/")[0]!),
  ];
  const foreign = names.find((name) => !written.includes(name));
  if (foreign !== undefined)
    throw new TabsenseError(
      "invalid_argument",
      `${output} contains ${foreign}, which is not a file of a pruned model, so it is not overwritten. Name another folder.`,
    );
}

/** Refuses to overwrite the input folder. */
function checkApart(output: string, paths: readonly string[]): void {
  if (statOf(output) && paths.some((path) => realpathSync(path).startsWith(realpathSync(output) + sep)))
    throw new TabsenseError("invalid_argument", `${output} is the input itself. Choose another output name.`);
}

async function* textsIn(
  { vocabulary, column }: FolderConversion,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const file = await openInput(vocabulary, null);
  signal.addEventListener("abort", file.close, { once: true });
  try {
    const { rows } = await openRows(file.bytes, {
      name: file.name,
      format: formatOf(vocabulary) ?? "text",
      column,
      pairColumn: null,
      names: PAIR_COLUMNS,
      delimiter: null,
      quote: formatOf(vocabulary) === "tsv" ? null : '"',
      header: true,
      onInvalid: null,
    });
    for await (const { text } of rows) yield text;
  } finally {
    file.close();
  }
}

function reportOf({ vocabulary, keep }: FolderConversion, pruned: Pruned): string {
  const { rowsBefore, words, changedWords, tokens, droppedTokens } = pruned;
  return [
    `${keep} of ${rowsBefore} rows of the word embeddings are kept\n`,
    `${share(changedWords, words)} of the ${words} words in ${vocabulary} are cut into other tokens`,
    ` (${share(droppedTokens, tokens)} of ${tokens} tokens are removed)\n`,
  ].join("");
}

function share(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}
