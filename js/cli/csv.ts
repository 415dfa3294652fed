/** Rows of a CSV file, and rows back to CSV. */

import { stringify } from "csv-stringify/sync";
import { TabsenseError } from "../api/errors.js";
import { quoted } from "../api/quoted.js";
import { latin1 } from "../csv/content.js";
import { findDelimiter, SAMPLE_BYTES, separatorLine } from "../csv/dialect.js";
import { uniqueNames } from "../csv/names.js";
import { decodeFields, readRecords, type CsvRecord } from "../csv/records.js";
import { MAX_ROW } from "./lines.js";
import {
  continued,
  invalidRow,
  listed,
  notUtf8,
  placeOf,
  refuseRow,
  withAdvice,
  type ColumnNames,
  type Row,
  type RowOptions,
  type Rows,
} from "./row.js";

const CHECK = "Check its quotes, --quote and --delimiter.";

/** Reads the header, if there is one, and finds the column of texts. */
export async function readCsv(input: AsyncGenerator<Buffer>, options: RowOptions): Promise<Rows> {
  const { name, header } = options;
  const sample = await peek(input);
  const text = latin1(sample.bytes);
  const declared = separatorLine(text);
  const skip = declared?.length ?? 0;
  const delimiter =
    options.delimiter ?? declared?.delimiter ?? findDelimiter(text.slice(skip), options.quote, !sample.whole);
  const records = readCsvRecords(sample.input, options, delimiter, skip);
  const first = await records.next();
  if (first.done) {
    if (header)
      throw new TabsenseError(
        "invalid_argument",
        `${name} is empty. A CSV starts with a header; pass --no-header if it has none.`,
      );
    const rows = continued<Row>(
      { done: true, value: undefined },
      toRows(records, [], { text: 0, pair: null }, options),
    );
    return { columns: [], header: [], delimiter, rows };
  }
  try {
    const names = header ? decoded(first.value, name) : first.value.fields.map((_, i) => `column${i + 1}`);
    const { column, pairColumn, names: called } = options;
    const text = placeIn(names, name, column, called.text);
    const pair = pairColumn === null ? null : placeIn(names, name, pairColumn, called.pair);
    if (pair === text)
      throw new TabsenseError(
        "invalid_argument",
        `The column ${quoted(names[text]!)} of ${name} can't be both the texts and the ${called.pair.what}s. Choose another column with ${called.text.option} or ${called.pair.option}.`,
      );
    // An empty or repeated name can't be the key of an object.
    const columns = uniqueNames(names.map((own, i) => (own === "" ? `column${i + 1}` : own)));
    const rows = toRows(header ? records : continued(first, records), columns, { text, pair }, options);
    return { columns, header: names, delimiter, rows };
  } catch (thrown) {
    await records.return(undefined);
    throw thrown;
  }
}

/** One line of CSV, without its break; `asText` is applied to each cell. */
export function csvLine(
  values: readonly unknown[],
  delimiter: string,
  asText: (cell: string) => string,
): string {
  // Many readers would take a lone carriage return for the end of a row.
  return stringify([values.map((value) => asText(cell(value)))], {
    delimiter,
    eof: false,
    record_delimiter: "\n",
    quoted_match: /[\r\n]/,
  });
}

/** The index of the column that an option names, in the file `name`. */
function placeIn(
  names: readonly string[],
  name: string,
  column: string | null,
  { what, option }: ColumnNames["text"],
): number {
  const place = placeOf(column, names);
  if (place === null) {
    const wanted = column === null ? '"text"' : JSON.stringify(column);
    throw new TabsenseError(
      "invalid_argument",
      `${name} has no column ${wanted}, only ${listed(names)}. Pass the column of the ${what}s with ${option}, and the delimiter with --delimiter.`,
    );
  }
  if (names.indexOf(names[place]!) !== names.lastIndexOf(names[place]!) && !isNumber(column, names))
    throw new TabsenseError(
      "invalid_argument",
      `${name} has two columns ${quoted(names[place]!)}. Pass the column of the ${what}s by number: ${option} ${place + 1}.`,
    );
  return place;
}

/** Whether a column is chosen by its number, and not by a name. */
function isNumber(column: string | null, names: readonly string[]): boolean {
  return column !== null && !names.includes(column);
}

async function* toRows(
  records: AsyncGenerator<CsvRecord>,
  columns: readonly string[],
  places: { text: number; pair: number | null },
  { name, onInvalid }: RowOptions,
): AsyncGenerator<Row> {
  for await (const record of records) {
    let values: string[];
    try {
      if (record.fields.length !== columns.length) {
        throw invalidRow(
          `Line ${record.line} of ${name} has ${record.fields.length} fields, but the first row has ${columns.length}. ${CHECK}`,
        );
      }
      values = decoded(record, name);
    } catch (thrown) {
      if (!(thrown instanceof TabsenseError)) throw thrown;
      refuseRow(thrown, onInvalid);
      continue;
    }
    const [text, pair] = [values[places.text]!, places.pair === null ? null : values[places.pair]!];
    yield { line: record.line, end: record.end, text, pair, columns, values, json: null };
  }
}

/** The records; then the error that ended the reading, if any, is thrown. */
async function* readCsvRecords(
  input: AsyncIterable<Buffer>,
  { name, quote, onInvalid }: RowOptions,
  delimiter: string,
  skip: number,
): AsyncGenerator<CsvRecord> {
  let failure: TabsenseError | null = null;
  yield* readRecords(input, {
    delimiter,
    quote,
    lenient: false,
    maxBytes: MAX_ROW,
    skip,
    onFault({ line, what, ends }, isFirst) {
      const error = invalidRow(`Line ${line} of ${name} ${what}. ${CHECK}`);
      // Otherwise the next record would be taken for the first, which defines the columns.
      const final = ends || isFirst;
      if (!final && onInvalid) onInvalid(error);
      else failure = final ? error : withAdvice(error);
      return failure === null;
    },
  });
  if (failure) throw failure;
}

/** The beginning of a file: as much as a sample needs, or less if the first line has arrived by then. */
async function peek(
  input: AsyncGenerator<Buffer>,
): Promise<{ bytes: Buffer; whole: boolean; input: AsyncGenerator<Buffer> }> {
  const chunks: Buffer[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  let whole = false;
  while (bytes.length < SAMPLE_BYTES && !/[^\r\n][\r\n]/.test(bytes.toString("latin1"))) {
    const next = await input.next();
    whole = next.done === true;
    if (next.done) break;
    chunks.push(next.value);
    bytes = Buffer.concat(chunks);
  }
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  return {
    bytes: sample,
    whole: whole && sample.length === bytes.length,
    input: continued({ done: false, value: bytes }, input),
  };
}

/** The fields as text. */
function decoded({ fields, line }: CsvRecord, name: string): string[] {
  const texts = decodeFields(fields);
  if (!texts) throw notUtf8(line, name);
  return texts;
}

/** The text of a cell for a value from JSON. */
function cell(value: unknown): string {
  return value === null || value === undefined
    ? ""
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);
}
