/** Reads CSV into a table, with the command line's parser. */

import { findDelimiter, SAMPLE_BYTES, separatorLine, TSV, type Dialect } from "../../../js/csv/dialect.ts";
import { uniqueNames } from "../../../js/csv/names.ts";
import { decodeFields, readRecords, type CsvFault } from "../../../js/csv/records.ts";
import { counted } from "../format.ts";
import {
  columnRemarks,
  FileProblem,
  MAX_COLUMNS,
  type ParseEvent,
  type Shape,
  type Source,
} from "./reading.ts";
import { looksLikeNames, SAMPLE_ROWS } from "./table.ts";

const MAX_ROW_BYTES = 16 << 20;
const QUOTED = /^".*"$/;

/**
 * Reads CSV. Rows with missing or extra cells and misplaced quotes lead to remarks.
 *
 * @param named whether the first row contains names; undefined to guess.
 * @param tsv whether tabs separate cells, and quotes are ordinary characters.
 */
export async function* readCsv(
  source: Source,
  named: boolean | undefined,
  tsv: boolean,
): AsyncGenerator<ParseEvent> {
  const sample = source.head.slice(0, SAMPLE_BYTES);
  const line = separatorLine(sample);
  const skip = line?.length ?? 0;
  const cut = !source.isComplete || sample.length < source.head.length;
  const dialect: Dialect = tsv
    ? TSV
    : { delimiter: line?.delimiter ?? findDelimiter(sample.slice(skip), '"', cut), quote: '"' };
  // Quotes in the wrong place void the first, strict reading: the second accepts them as they are.
  const strict = new Pass(dialect, skip, false);
  yield* strict.rows(source);
  let last = strict;
  if (strict.fault !== null) {
    yield { type: "restart" };
    last = new Pass(dialect, skip, true);
    yield* last.rows(source);
  }
  const remarks: string[] = [];
  if (last.fault !== null)
    remarks.push(`Line ${last.fault.line} ${last.fault.what}: everything after it is left out.`);
  else if (strict.fault?.ends)
    remarks.push(
      `Line ${strict.fault.line} ${strict.fault.what}: rows after it may be split in the wrong place.`,
    );
  if (last.count === 0 && remarks[0]) throw new FileProblem(remarks[0], "syntax");
  const shape = last.shape(named);
  if (tsv && last.quoted)
    remarks.push("TSV has no quotes, so they are kept. To read them as quotes, rename the file to .csv.");
  yield {
    type: "end",
    shape: {
      ...shape,
      remarks: [...remarks, ...shape.remarks],
      dialect: { ...dialect, skipped: skip > 0 ? 1 : 0 },
    },
    skip: shape.named ? 1 : 0,
  };
}

/** One reading of a file from beginning to end. */
class Pass {
  /** The fault that ended it; in a strict pass, the worst fault. */
  fault: CsvFault | null = null;
  count = 0;
  /** Whether a cell is in quotes although they are ordinary characters. */
  quoted = false;
  readonly #first: string[][] = [];
  /** The number of rows for each number of cells. */
  readonly #widths = new Map<number, number>();

  constructor(
    readonly dialect: Dialect,
    readonly skip: number,
    readonly lenient: boolean,
  ) {}

  async *rows(source: Source): AsyncGenerator<ParseEvent> {
    const encoder = new TextEncoder();
    let end = 0;
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for await (const { text, read } of source.pieces()) {
        yield encoder.encode(text);
        end = read;
      }
    }
    let rows: string[][] = [];
    let sent = 0;
    const records = readRecords(bytes(), {
      ...this.dialect,
      lenient: this.lenient,
      maxBytes: MAX_ROW_BYTES,
      skip: this.skip,
      onFault: (fault) => {
        if (this.fault === null || fault.ends) this.fault = fault;
        return true;
      },
    });
    for await (const { fields } of records) {
      if (fields.length === 1 && fields[0]?.trim() === "") continue; // a line of white space
      const row = decodeFields(fields) ?? fields;
      this.#add(row);
      rows.push(row);
      if (end === sent) continue;
      yield { type: "rows", rows, read: end };
      rows = [];
      sent = end;
    }
    yield { type: "rows", rows, read: end };
  }

  #add(row: string[]): void {
    this.count += 1;
    if (this.#first.length <= SAMPLE_ROWS) this.#first.push(row);
    this.#widths.set(row.length, (this.#widths.get(row.length) ?? 0) + 1);
    this.quoted ||= this.dialect.quote === null && row.some((cell) => QUOTED.test(cell));
  }

  /** The columns, once all rows are read. */
  shape(asked: boolean | undefined): Shape {
    const [head = [], ...below] = this.#first;
    const named = asked ?? looksLikeNames(head, below);
    const width = Math.max(0, ...this.#widths.keys());
    const columns = Array.from(
      { length: Math.min(MAX_COLUMNS, width) },
      (_, at) => (named && head[at]?.trim()) || `column ${at + 1}`,
    );
    const usual = named ? head.length : width;
    const unequal = [...this.#widths].reduce((sum, [cells, rows]) => sum + (cells === usual ? 0 : rows), 0);
    const verb = unequal === 1 ? "has" : "have";
    const cells = named ? "more or fewer cells than the header" : "fewer cells than the longest row";
    const remarks = unequal > 0 ? [`${counted(unequal, "row")} ${verb} ${cells}.`] : [];
    return { named, columns: uniqueNames(columns), remarks: [...remarks, ...columnRemarks(width)] };
  }
}
