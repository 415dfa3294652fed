/** Reads CSV into a table, with the reader of the command line. */

import { findDelimiter, SAMPLE_BYTES, separatorLine, TSV, type Dialect } from "../../../js/csv/dialect.ts";
import { uniqueNames } from "../../../js/csv/names.ts";
import { decodeFields, readRecords, type CsvFault } from "../../../js/csv/records.ts";
import { counted } from "../format.ts";
import { beyond, FileProblem, limitRows, MOST_COLUMNS, turn, type Read, type Ways } from "./reading.ts";
import { looksLikeNames, type Cell } from "./table.ts";

const CHUNK = 1 << 18; // UTF-16 units that are read at once; in between, the page gets a turn
const MOST_ROW_BYTES = 16 << 20;

interface Found {
  rows: string[][];
  fault: CsvFault | null;
}

/**
 * Reads CSV: rows that lack cells or have too many, and quotes in the wrong place, are told in remarks.
 * `tsv`: tabs separate, and quotes are ordinary characters.
 */
export async function readCsv(text: string, ways: Ways, tsv: boolean): Promise<Read> {
  const sample = text.slice(0, SAMPLE_BYTES);
  const told = separatorLine(sample);
  const skip = told?.length ?? 0;
  const cut = sample.length < text.length;
  const dialect: Dialect = tsv
    ? TSV
    : { delimiter: told?.delimiter ?? findDelimiter(sample.slice(skip), '"', cut), quote: '"' };
  const strict = await readAll(text, dialect, skip, false, ways);
  const { rows: all, fault } =
    strict.fault === null ? strict : await readAll(text, dialect, skip, true, ways);
  const remarks: string[] = [];
  if (fault !== null) remarks.push(`Line ${fault.line} ${fault.what}: what follows is left out.`);
  else if (strict.fault?.ends)
    remarks.push(`Line ${strict.fault.line} ${strict.fault.what}: what follows may be cut wrongly.`);
  if (all.length === 0 && remarks[0]) throw new FileProblem(remarks[0]);
  const [head = [], ...below] = all;
  const hasNames = ways.named ?? looksLikeNames(head, below);
  const rows: Cell[][] = hasNames ? below : all;
  const width = rows.reduce((most, row) => Math.max(most, row.length), hasNames ? head.length : 0);
  const columns = Array.from(
    { length: Math.min(MOST_COLUMNS, width) },
    (_, at) => (hasNames && head[at]?.trim()) || `column ${at + 1}`,
  );
  const unequal = rows.filter((row) => row.length !== (hasNames ? head.length : width)).length;
  if (unequal > 0)
    remarks.push(
      `${counted(unequal, "row")} ${unequal === 1 ? "has" : "have"} ${hasNames ? "more or fewer cells than the head" : "fewer cells than the longest one"}.`,
    );
  if (tsv && all.some((row) => row.some((cell) => /^".*"$/.test(cell))))
    remarks.push(
      "Quotes are kept as they are, for TSV has none. Name the file .csv to have them read as quotes.",
    );
  remarks.push(...beyond(width));
  return {
    named: hasNames,
    columns: uniqueNames(columns),
    rows,
    remarks,
    dialect: { ...dialect, skipped: skip > 0 ? 1 : 0 },
  };
}

/** All rows, and the fault that ended the reading; of a strict one, the worst fault of all. */
async function readAll(
  text: string,
  dialect: Dialect,
  skip: number,
  lenient: boolean,
  { signal }: Ways,
): Promise<Found> {
  const found: Found = { rows: [], fault: null };
  const records = readRecords(chunksOf(text, signal), {
    ...dialect,
    lenient,
    maxBytes: MOST_ROW_BYTES,
    skip,
    onFault(fault) {
      if (found.fault === null || fault.ends) found.fault = fault;
      return true;
    },
  });
  for await (const { fields } of records) {
    if (fields.length === 1 && fields[0]?.trim() === "") continue; // a line of white space
    found.rows.push(decodeFields(fields) ?? fields);
    limitRows(found.rows.length);
  }
  return found;
}

async function* chunksOf(text: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + CHUNK);
    if (end < text.length && /[\uD800-\uDBFF]/.test(text[end - 1] ?? "")) end += 1; // a pair is not torn apart
    yield encoder.encode(text.slice(at, end));
    at = end;
    await turn(signal);
  }
}
