/**
 * The rows of a file, each with its answer, in their order; of any number, for what is held is a few batches.
 */

import { TabsenseError } from "../api/errors.js";
import type { Score } from "../api/types.js";
import { encoderOf, type AnswerOptions } from "./answers.js";
import { rateOf, startBar } from "./bar.js";
import { batched, inOrder } from "./batches.js";
import { openInput } from "./input.js";
import { checkOutput, openFile, openStdout, type Existing } from "./output.js";
import { openPool, type Pool, type PoolOptions } from "./pool.js";
import { withAdvice, type OnInvalid, type Row, type RowOptions } from "./row.js";
import { openRows } from "./rows.js";

/** All that the command line says of a file. */
export interface FileJob {
  input: string;
  rows: Pick<RowOptions, "format" | "column" | "delimiter" | "header">;
  /** Whether rows that can't be classified are left out. */
  skips: boolean;
  /** The file to write, or null for the standard output. */
  out: string | null;
  existing: Existing;
  answers: Omit<AnswerOptions, "top">;
  /** How many labels, null for all; undefined: the best alone. */
  top: number | null | undefined;
  model: Omit<PoolOptions, "signal" | "onBytes">;
}

/** Answered rows, up to one that can't be and ends the command. */
interface Answers {
  answered: { row: Row; scores: Score[] }[];
  error: TabsenseError | null;
}

/** How many left out rows are told one by one. */
const MOST_TOLD = 5;

/** Classifies a file; yields how many rows this run answered, and how many it left out. */
export async function classifyFile(
  job: FileJob,
  signal: AbortSignal,
): Promise<{ answered: number; left: number }> {
  const told: TabsenseError[] = [];
  let left = 0;
  const answered = await classifyRows(
    job,
    signal,
    job.skips ? (error) => void (++left <= MOST_TOLD && told.push(error)) : null,
  );
  if (left > 0)
    process.stderr.write(
      `tabsense: ${left} ${left === 1 ? "row was" : "rows were"} left out.\n${told.map(({ message }) => `  ${message}\n`).join("")}${left > MOST_TOLD ? "  …\n" : ""}`,
    );
  return { answered, left };
}

/** The number of rows that were answered. */
async function classifyRows(job: FileJob, signal: AbortSignal, onInvalid: OnInvalid | null): Promise<number> {
  if (job.out !== null) checkOutput(job.out, job.existing, job.input);
  const file = await openInput(job.input);
  signal.addEventListener("abort", file.close, { once: true });
  const bar = startBar(file.size);
  let pool: Pool | null = null;
  let close = async () => {};
  let count = 0;
  const start = performance.now();
  try {
    const { columns, rows } = await openRows(file.bytes, { ...job.rows, name: file.name, onInvalid });
    if (columns.length === 0 && job.out === null) return 0; // no model is needed
    pool = await openPool({
      ...job.model,
      signal,
      onBytes: (name, bytes, total) =>
        bar.say(`${name}: ${megabytes(bytes)}${total === null ? "" : ` of ${megabytes(total)}`} MB`),
    });
    if (job.model.device === "webgpu" && "reason" in pool.info.webgpu)
      process.stderr.write(`tabsense: the CPU computes. ${pool.info.webgpu.reason}\n`);
    const top = job.top === undefined ? null : Math.min(job.top ?? Infinity, pool.info.model.labels.length);
    const encoder = encoderOf({ ...job.answers, top }, columns);
    const { output, done } =
      job.out === null
        ? { output: await openStdout(encoder, signal), done: { rows, end: 0 } }
        : await openFile(job.out, job.existing, encoder, rows, job.skips);
    close = output.close;
    bar.step({ rows: 0, bytes: done.end });
    const answer = (batch: Row[]) => answerBatch(pool!, batch, top ?? 1, file.name, onInvalid);
    for await (const { answered, error } of inOrder(batched(done.rows), answer, 2 * pool.size)) {
      if (answered.length > 0) {
        await output.write(
          answered.map(({ row, scores }) => encoder.head(row) + encoder.tail(scores)).join(""),
        );
        count += answered.length;
        bar.step({ rows: count, bytes: answered.at(-1)!.row.end });
      }
      if (error) throw error;
    }
    signal.throwIfAborted();
  } finally {
    bar.clear();
    file.close();
    await Promise.all([close(), pool?.close()]);
  }
  const seconds = (performance.now() - start) / 1000;
  if (process.stderr.isTTY)
    process.stderr.write(
      `${job.out ?? "done"}: ${count} texts in ${seconds.toFixed(1)} s, ${rateOf(count / seconds)} texts/s\n`,
    );
  return count;
}

async function answerBatch(
  pool: Pool,
  rows: Row[],
  topK: number,
  name: string,
  onInvalid: OnInvalid | null,
): Promise<Answers> {
  const scores = await pool.classify(
    rows.map(({ text }) => text),
    topK,
  );
  const answered: Answers["answered"] = [];
  for (const [i, row] of rows.entries()) {
    if (scores[i]!.length > 0) {
      answered.push({ row, scores: scores[i]! });
      continue;
    }
    const error = new TabsenseError(
      "invalid_argument",
      `Line ${row.line} of ${name}: The text is empty or has white space and control characters only, which have no label.`,
    );
    if (!onInvalid) return { answered, error: withAdvice(error) };
    onInvalid(error);
  }
  return { answered, error: null };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
