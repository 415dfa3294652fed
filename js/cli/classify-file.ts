/**
 * Classifies the rows of a file, in order. There can be any number, because only a few batches are in memory.
 */

import type { TabsenseError } from "../api/errors.js";
import type { Score } from "../api/answer-types.js";
import { encoderOf, type AnswerOptions } from "./answers.js";
import type { Encoding } from "../csv/content.js";
import { rateOf, startBar } from "./bar.js";
import { batched, inOrder } from "./batches.js";
import { openInput } from "./input.js";
import { checkOutput, openFile, openStdout, type Existing } from "./output.js";
import { openPool, type Pool, type PoolOptions } from "./pool.js";
import { log } from "./print.js";
import { invalidRow, isOnly, textOf, type OnInvalid, type Row, type RowOptions } from "./row.js";
import { openRows } from "./rows.js";

/** Everything that the command line says about a file. */
export interface FileJob {
  input: string;
  rows: Pick<RowOptions, "format" | "column" | "pairColumn" | "names" | "delimiter" | "quote" | "header">;
  /** Null: UTF-8. */
  encoding: Encoding | null;
  /** Whether rows that can't be classified are left out. */
  skips: boolean;
  /** The file to write, or null for the standard output. */
  out: string | null;
  existing: Existing;
  /** A delimiter of null is the input's, or else a comma. */
  answers: Omit<AnswerOptions, "top" | "delimiter"> & { delimiter: string | null };
  /** How many labels, null for all; undefined: only the best. */
  top: number | null | undefined;
  model: Omit<PoolOptions, "signal" | "onBytes">;
}

/** How many skipped rows are reported one by one. */
const MAX_LISTED = 5;

/** Classifies a file; resolves to how many rows this run answered, and how many it left out. */
export async function classifyFile(
  job: FileJob,
  signal: AbortSignal,
): Promise<{ answered: number; skipped: number }> {
  const reported: TabsenseError[] = [];
  let skipped = 0;
  const answered = await classifyRows(
    job,
    signal,
    job.skips ? (error) => void (++skipped <= MAX_LISTED && reported.push(error)) : null,
  );
  if (skipped > 0)
    log(
      `tabsense: ${skipped} ${skipped === 1 ? "row was" : "rows were"} left out.\n${reported.map(({ message }) => `  ${message}\n`).join("")}${skipped > MAX_LISTED ? "  …\n" : ""}`,
    );
  return { answered, skipped };
}

/** Classifies the rows; resolves to the number of those that were answered. */
async function classifyRows(job: FileJob, signal: AbortSignal, onInvalid: OnInvalid | null): Promise<number> {
  if (job.out !== null) checkOutput(job.out, job.existing, job.input);
  const file = await openInput(job.input, job.encoding);
  signal.addEventListener("abort", file.close, { once: true });
  const bar = startBar(file.size);
  let pool: Pool | null = null;
  let close = async () => {};
  let count = 0;
  const start = performance.now();
  try {
    const opened = await openRows(file.bytes, { ...job.rows, name: file.name, onInvalid });
    const { columns, rows } = opened;
    if (columns.length === 0 && job.out === null) return 0; // no model is needed
    pool = await openPool({
      ...job.model,
      signal,
      onBytes: (name, bytes, total) =>
        bar.say(`${name}: ${megabytes(bytes)}${total === null ? "" : ` of ${megabytes(total)}`} MB`),
    });
    if (job.model.device === "webgpu" && "reason" in pool.info.webgpu)
      log(`tabsense: the CPU computes. ${pool.info.webgpu.reason}\n`);
    const top = job.top === undefined ? null : Math.min(job.top ?? Infinity, pool.info.model.labels.length);
    const delimiter = job.answers.delimiter ?? opened.delimiter ?? ",";
    const encoder = encoderOf({ ...job.answers, delimiter, top }, opened);
    const { output, done } =
      job.out === null
        ? { output: await openStdout(encoder, signal), done: { rows, end: 0 } }
        : await openFile(job.out, job.existing, encoder, rows, job.skips);
    close = output.close;
    bar.step({ rows: 0, bytes: done.end });
    const answer = (batch: Row[]) => answerBatch(pool!, batch, top ?? 1);
    for await (const answered of inOrder(batched(done.rows), answer, 2 * pool.size)) {
      const written = onInvalid ? answered.filter((one) => !leaveOut(one, file.name, onInvalid)) : answered;
      if (written.length > 0)
        await output.write(
          written.map(({ row, scores }) => encoder.head(row) + encoder.tail(scores)).join(""),
        );
      count += written.length;
      bar.step({ rows: count, bytes: answered.at(-1)!.row.end });
    }
    signal.throwIfAborted();
  } finally {
    bar.clear();
    file.close();
    await Promise.all([close(), pool?.close()]);
  }
  const seconds = (performance.now() - start) / 1000;
  if (process.stderr.isTTY)
    log(
      `${job.out ?? "done"}: ${count} texts in ${seconds.toFixed(1)} s, ${rateOf(count / seconds)} texts/s\n`,
    );
  return count;
}

/** A row and its answer, which has no label if the row has no text. */
interface Answered {
  row: Row;
  scores: Score[];
}

/** Answers a batch in one call. A blank text has no label, and needs no call. */
async function answerBatch(pool: Pool, rows: Row[], topK: number): Promise<Answered[]> {
  const texts = rows.filter(hasText).map(textOf);
  const answers = texts.length === 0 ? [] : await pool.classify(texts, topK);
  let next = 0;
  return rows.map((row) => ({ row, scores: hasText(row) ? answers[next++]! : [] }));
}

function hasText(row: Row): boolean {
  return !isOnly(row, (text) => text.trim() === "");
}

/** Whether a row is left out because it has no text; if so, `onInvalid` is called. */
function leaveOut({ row, scores }: Answered, name: string, onInvalid: OnInvalid): boolean {
  if (scores.length > 0) return false;
  onInvalid(invalidRow(`Line ${row.line} of ${name} has no text.`));
  return true;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
