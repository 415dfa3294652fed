/** CSV (RFC 4180) to rows and back. */

import { isUtf8 } from "node:buffer";
import { pipeline } from "node:stream";
import { parse, type CsvError, type Parser } from "csv-parse";
import { stringify } from "csv-stringify/sync";
import { TabsenseError } from "../api/errors.js";
import { MAX_ROW, startLineCount } from "./lines.js";
import {
  continued,
  invalidRow,
  listed,
  notUtf8,
  placeOf,
  refuseRow,
  withAdvice,
  type Row,
  type RowOptions,
  type Rows,
} from "./row.js";

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
    if (header)
      throw new TabsenseError(
        "invalid_argument",
        `${name} is empty: a CSV begins with its header. Pass --no-header where it has none.`,
      );
    return {
      columns: [],
      rows: continued<Row>({ done: true, value: undefined }, toRows(records, [], 0, options)),
    };
  }
  try {
    const columns = header ? decoded(first.value, name) : first.value.fields.map((_, i) => `column${i + 1}`);
    const twice = columns.find((column, i) => columns.indexOf(column) !== i);
    if (twice !== undefined)
      throw new TabsenseError(
        "invalid_argument",
        `${name} has two columns ${JSON.stringify(twice)}. Give each a name of its own.`,
      );
    const place = placeOf(options.column, columns);
    if (place === null) {
      const wanted = options.column === null ? '"text"' : JSON.stringify(options.column);
      throw new TabsenseError(
        "invalid_argument",
        `${name} has no column ${wanted}: it has ${listed(columns)}. Name the one with the texts by --column, and what separates columns by --delimiter.`,
      );
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
  return stringify([values.map(cell)], {
    delimiter,
    eof: false,
    record_delimiter: "\n",
    quoted_match: /[\r\n]/,
  });
}

async function* toRows(
  records: AsyncGenerator<CsvRecord>,
  columns: readonly string[],
  place: number,
  { name, onInvalid }: RowOptions,
): AsyncGenerator<Row> {
  for await (const record of records) {
    let values: string[];
    try {
      if (record.fields.length !== columns.length) {
        throw invalidRow(
          `Line ${record.line} of ${name} has ${record.fields.length} fields, and the first row has ${columns.length}. Check its quotes and the --delimiter.`,
        );
      }
      values = decoded(record, name);
    } catch (thrown) {
      if (!(thrown instanceof TabsenseError)) throw thrown;
      refuseRow(thrown, onInvalid);
      continue;
    }
    yield { line: record.line, end: record.end, text: values[place]!, columns, values, json: null };
  }
}

async function* readRecords(
  input: AsyncIterable<Buffer>,
  { name, delimiter, onInvalid }: RowOptions,
): AsyncGenerator<CsvRecord> {
  /** What ends the reading, and the number of records before it. */
  let failure: { error: TabsenseError; after: number } | null = null;
  /** The fields of the last record that was found wrong: what is wrong with it is told once. */
  let wrong: unknown = null;
  const lines = startLineCount();
  const recordOf = (fields: string[], end: number): CsvRecord => ({
    fields,
    line: lines.lineOf(end - 1) - breaksIn(fields),
    end,
  });
  const parser = parse({
    delimiter,
    // Without them the first line's break would be the only one, and rows that end otherwise would be one.
    record_delimiter: ["\r\n", "\n", "\r"],
    // Bytes as they are: fields are decoded one by one, so that one which is not UTF-8 can be told.
    encoding: "latin1",
    max_record_size: MAX_ROW,
    relax_column_count: true,
    skip_empty_lines: true,
    // Called within the parser, where bytes come in their order; its type knows no records but lists.
    on_record: (fields, { bytes }) => recordOf(fields, bytes) as unknown as string[],
    // A parser that fails forgets the records that it holds: so it never does, and where to stop is noted.
    skip_records_with_error: true,
    on_skip(thrown) {
      const fields = fieldsOf(parser);
      if (!thrown || failure || fields === wrong) return undefined;
      wrong = fields;
      const { bytes, records } = parser.info;
      const error = invalidRow(
        `Line ${lines.lineFrom(bytes)} of ${name} ${faultOf(thrown)}. Check its quotes and the --delimiter.`,
        thrown,
      );
      // What would be read in the place of the first record would have its columns.
      const ends = ENDING.includes(thrown.code) || records === 0;
      if (!ends && onInvalid) onInvalid(error);
      else failure = { error: ends ? error : withAdvice(error), after: records };
      return undefined;
    },
  });
  const untilFailure = async function* () {
    for await (const bytes of input) {
      if (failure) return;
      lines.add(bytes);
      yield bytes;
    }
  };
  pipeline(untilFailure, parser, () => {}); // what fails is told by the parser
  let count = 0;
  for await (const record of parser as AsyncIterable<CsvRecord>) {
    if (failure && count >= (failure as { after: number }).after) break;
    yield record;
    count++;
  }
  if (failure) throw (failure as { error: TabsenseError }).error;
}

/** Errors after which nobody knows where the next record begins. */
const ENDING: readonly string[] = [
  "CSV_INVALID_CLOSING_QUOTE",
  "CSV_MAX_RECORD_SIZE",
  "CSV_QUOTE_NOT_CLOSED",
];

const FAULTS: Record<string, string> = {
  CSV_INVALID_CLOSING_QUOTE: "has a field that goes on behind its closing quote",
  CSV_MAX_RECORD_SIZE: `is of a row of more than ${MAX_ROW} bytes`,
  CSV_QUOTE_NOT_CLOSED: "has a quote that is never closed",
  INVALID_OPENING_QUOTE: "has a quote within a field that does not begin with one",
};

function faultOf({ code, message }: CsvError): string {
  return FAULTS[code] ?? `is no CSV (${message})`;
}

/** The fields that the parser has of its record so far: the same array as long as it is the same record. */
function fieldsOf(parser: Parser): unknown {
  return (parser as unknown as { state: { record: unknown } }).state.record;
}

/** Line breaks within fields: all that a record has but for its last. */
function breaksIn(fields: readonly string[]): number {
  return fields.reduce((sum, field) => sum + (field.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
}

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
  return value === null || value === undefined
    ? ""
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);
}
