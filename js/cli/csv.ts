/** CSV (RFC 4180) to rows and back. */

import { isUtf8 } from "node:buffer";
import { pipeline } from "node:stream";
import { parse, type Info } from "csv-parse";
import { stringify } from "csv-stringify/sync";
import { TabsenseError } from "../errors.js";
import { MAX_ROW } from "./lines.js";
import { continued, invalidRow, listed, notUtf8, placeOf, type Row, type RowOptions, type Rows } from "./row.js";

/** A record of the file, its fields still as bytes: a character each. */
interface CsvRecord {
  fields: string[];
  line: number;
  end: number;
}

/** Reads the header, where there is one, and finds the column of texts. */
export async function readCsv(input: AsyncIterable<Buffer>, options: RowOptions): Promise<Rows> {
  const { name, header } = options;
  const records = readRecords(input, options);
  const first = await records.next();
  if (first.done) {
    if (header) throw new TabsenseError("invalid_argument", `${name} is empty: a CSV begins with its header. Pass --no-header where it has none.`);
    return { columns: [], rows: continued<Row>({ done: true, value: undefined }, toRows(records, [], 0, options)) };
  }
  try {
    const columns = header ? decoded(first.value, name) : first.value.fields.map((_, i) => `column${i + 1}`);
    const twice = columns.find((column, i) => columns.indexOf(column) !== i);
    if (twice !== undefined) throw new TabsenseError("invalid_argument", `${name} has two columns ${JSON.stringify(twice)}. Give each a name of its own.`);
    const place = placeOf(options.column, columns);
    if (place === null) {
      const wanted = options.column === null ? '"text"' : JSON.stringify(options.column);
      throw new TabsenseError("invalid_argument", `${name} has no column ${wanted}: it has ${listed(columns)}. Name the one with the texts by --column, and what separates columns by --delimiter.`);
    }
    return { columns, rows: toRows(header ? records : continued(first, records), columns, place, options) };
  } catch (thrown) {
    await records.return(undefined);
    throw thrown;
  }
}

/** One line of CSV, without its break. */
export function csvLine(values: readonly unknown[], delimiter: string): string {
  // A lone carriage return would be taken for the end of a row by many a reader.
  return stringify([values.map(cell)], { delimiter, eof: false, record_delimiter: "\n", quoted_match: /[\r\n]/ });
}

async function* toRows(records: AsyncGenerator<CsvRecord>, columns: readonly string[], place: number, { name, onInvalid }: RowOptions): AsyncGenerator<Row> {
  for await (const record of records) {
    let values: string[];
    try {
      if (record.fields.length !== columns.length) {
        throw invalidRow(`Line ${record.line} of ${name} has ${record.fields.length} fields, and the first row has ${columns.length}. Check its quotes and the --delimiter.`);
      }
      values = decoded(record, name);
    } catch (thrown) {
      if (!onInvalid || !(thrown instanceof TabsenseError)) throw thrown;
      onInvalid(thrown);
      continue;
    }
    yield { line: record.line, end: record.end, text: values[place]!, columns, values, json: null };
  }
}

async function* readRecords(input: AsyncIterable<Buffer>, { name, delimiter, onInvalid }: RowOptions): AsyncGenerator<CsvRecord> {
  /** What ends the reading, and the number of records before it. */
  let failure: { error: TabsenseError; after: number } | null = null;
  const parser = parse({
    delimiter,
    // Bytes as they are: fields are decoded one by one, so that one which is not UTF-8 can be told.
    encoding: "latin1",
    info: true,
    max_record_size: MAX_ROW,
    relax_column_count: true,
    skip_empty_lines: true,
    // A parser that fails forgets the records that it holds: so it never does, and where to stop is noted.
    skip_records_with_error: true,
    on_skip(error) {
      if (!error) return undefined;
      const ends = ENDING.includes(error.code);
      const told = `${name}: ${error.message}. Check its quotes and the --delimiter.`;
      if (!ends && onInvalid) onInvalid(invalidRow(told, error));
      else failure ??= { error: ends ? new TabsenseError("invalid_argument", told, { cause: error }) : invalidRow(told, error), after: parser.info.records };
      return undefined;
    },
  });
  const untilFailure = async function* () {
    for await (const bytes of input) {
      if (failure) return;
      yield bytes;
    }
  };
  pipeline(untilFailure, parser, () => {}); // what fails is told by the parser
  let line = 1;
  let count = 0;
  for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
    if (failure && count >= (failure as { after: number }).after) break;
    yield { fields: record, line, end: info.bytes };
    line = info.lines + 1;
    count++;
  }
  if (failure) throw (failure as { error: TabsenseError }).error;
}

/** Errors after which nobody knows where the next record begins. */
const ENDING: readonly string[] = ["CSV_INVALID_CLOSING_QUOTE", "CSV_MAX_RECORD_SIZE", "CSV_QUOTE_NOT_CLOSED"];

/** The fields as text. */
function decoded({ fields, line }: CsvRecord, name: string): string[] {
  return fields.map((field) => {
    if (!/[\x80-\xff]/.test(field)) return field;
    const bytes = Buffer.from(field, "latin1");
    if (!isUtf8(bytes)) throw notUtf8(line, name);
    return bytes.toString();
  });
}

/** What a cell holds of a value that came from JSON. */
function cell(value: unknown): string {
  return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}
