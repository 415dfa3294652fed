/** The records of a CSV file (RFC 4180), for the command line and for the demo page. */

import { parse, type CsvError, type Parser } from "csv-parse";
import { latin1 } from "./content.js";
import type { Dialect } from "./dialect.js";
import { startLineCount } from "./line-count.js";

/** A record whose fields are still bytes: one character each. */
export interface CsvRecord {
  fields: string[];
  /** The line that it begins on, from 1. */
  line: number;
  /** Bytes of the file up to the next record. */
  end: number;
}

/** What is wrong with a record. */
export interface CsvFault {
  line: number;
  /** The end of a sentence that begins with the line. */
  what: string;
  /** Whether the start of the next record is unknown. */
  ends: boolean;
}

/** How to read records. */
export interface RecordOptions extends Dialect {
  /** Whether misplaced quotes are read literally. */
  lenient: boolean;
  /**
   * The maximum length of a record, in bytes: without a limit, a quote that is never closed would fill the
   * memory.
   */
  maxBytes: number;
  /** Bytes at the beginning that are not a record: the line `sep=;`. */
  skip: number;
  /**
   * Called for a record that is left out; returning false ends the reading. {@link CsvFault.ends} ends it
   * anyway.
   */
  onFault(fault: CsvFault, isFirst: boolean): boolean;
}

/**
 * Yields the records of a file without a byte order mark. Lines may end in LF, CRLF or CR, even within one
 * file; blank ones are skipped. Bytes that are not UTF-8 are an error in {@link decodeFields}, not here.
 */
export async function* readRecords(
  input: AsyncIterable<Uint8Array>,
  options: RecordOptions,
): AsyncGenerator<CsvRecord> {
  const { delimiter, quote, lenient, maxBytes, skip, onFault } = options;
  let ended = false;
  let isFirst = true;
  let records: CsvRecord[] = [];
  /** The fields of the last invalid record, to report it once. */
  let wrong: unknown = null;
  const lines = startLineCount();
  const parser = parse({
    delimiter,
    quote: quote ?? false,
    escape: quote ?? '"',
    // Otherwise only the first line's kind of break would count, and rows that end differently would be
    // joined.
    record_delimiter: ["\r\n", "\n", "\r"],
    // Raw bytes: fields are decoded one by one, to find one that is not UTF-8.
    encoding: "latin1",
    max_record_size: maxBytes,
    relax_column_count: true,
    relax_quotes: lenient,
    skip_empty_lines: true,
    // Records are collected here, within the parser, in step with its bytes; its stream stays empty.
    on_record(fields: string[], { bytes }) {
      const end = skip + bytes;
      if (!ended) records.push({ fields, line: lines.lineOf(end - 1) - breaksIn(fields), end });
      isFirst = false;
      return null;
    },
    // A parser that fails loses the records that it holds, so it never fails: `ended` says where to stop.
    skip_records_with_error: true,
    on_skip(thrown) {
      const fields = fieldsOf(parser);
      if (!thrown || ended || fields === wrong) return undefined;
      wrong = fields;
      const ends = ENDING.includes(thrown.code);
      const line = lines.lineFrom(skip + parser.info.bytes);
      ended = !onFault({ line, what: faultOf(thrown, maxBytes), ends }, isFirst) || ends;
      return undefined;
    },
  });
  const done = new Promise<void>((resolve, reject) => {
    parser.on("error", reject);
    parser.on("end", resolve);
    parser.resume(); // its stream, which stays empty, ends only if it flows
  });
  done.catch(() => {}); // awaited below
  let left = skip;
  for await (const bytes of input) {
    lines.add(bytes);
    const from = Math.min(left, bytes.length);
    left -= from;
    const rest = bytes.subarray(from);
    // In a browser the parser brings its own streams, which accept bytes only as a string.
    const chunk = "Buffer" in globalThis ? rest : latin1(rest);
    const written = new Promise((resolve) => parser.write(chunk, "latin1", resolve));
    await Promise.race([written, done]);
    yield* records;
    if (ended) return;
    records = [];
  }
  parser.end();
  await done;
  yield* records;
}

/** The fields as text; null if they are not UTF-8. */
export function decodeFields(fields: readonly string[]): string[] | null {
  try {
    return fields.map((field) => {
      if (!/[\x80-\xff]/.test(field)) return field;
      return UTF8.decode(Uint8Array.from(field, (character) => character.charCodeAt(0)));
    });
  } catch {
    return null;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Errors after which the start of the next record is unknown. */
const ENDING: readonly string[] = [
  "CSV_INVALID_CLOSING_QUOTE",
  "CSV_MAX_RECORD_SIZE",
  "CSV_QUOTE_NOT_CLOSED",
];

const FAULTS: Record<string, string> = {
  CSV_INVALID_CLOSING_QUOTE: "has a field that continues after its closing quote",
  CSV_QUOTE_NOT_CLOSED: "has a quote that is never closed",
  INVALID_OPENING_QUOTE: "has a quote within a field that doesn't start with one",
};

function faultOf({ code }: CsvError, maxBytes: number): string {
  if (code === "CSV_MAX_RECORD_SIZE") return `is in a row of more than ${maxBytes} bytes`;
  return FAULTS[code] ?? `is not CSV (${code})`;
}

/** The fields of the parser's current record so far: the same array as long as the record is the same. */
function fieldsOf(parser: Parser): unknown {
  return (parser as unknown as { state: { record: unknown } }).state.record;
}

/** Line breaks within fields: all of a record's except for its last. */
function breaksIn(fields: readonly string[]): number {
  return fields.reduce((sum, field) => sum + (field.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
}
