/** Rows from CSV, JSON Lines or plain lines, as they arrive. */

import { isUtf8 } from "node:buffer";
import { TabsenseError } from "../api/errors.js";
import { readCsv } from "./csv.js";
import { readLines, type Line } from "./lines.js";
import {
  continued,
  invalidRow,
  listed,
  notUtf8,
  refuseRow,
  type ColumnNames,
  type Row,
  type RowOptions,
  type Rows,
} from "./row.js";

/** Starts reading. Every error has kind `"invalid_argument"` and names the line. */
export async function openRows(input: AsyncGenerator<Buffer>, options: RowOptions): Promise<Rows> {
  if (options.format === "csv" || options.format === "tsv") return readCsv(input, options);
  const lines = readLines(input, options.name);
  const rows = parsed(lines, options);
  const first = await rows.next();
  const columns = first.done ? [] : first.value.columns;
  return { columns, header: columns, delimiter: null, rows: continued(first, rows) };
}

async function* parsed(lines: AsyncGenerator<Line>, options: RowOptions): AsyncGenerator<Row> {
  const toRow = options.format === "jsonl" ? jsonRow : textRow;
  for await (const line of lines) {
    let row: Row | null;
    try {
      row = toRow(line, decoded(line, options.name), options);
    } catch (thrown) {
      if (!(thrown instanceof TabsenseError)) throw thrown;
      refuseRow(thrown, options.onInvalid);
      continue;
    }
    if (row) yield row;
  }
}

const TEXT_COLUMNS = ["text"];

/** Each line is a text; blank ones are skipped. */
function textRow({ number, end }: Line, text: string): Row | null {
  return text.trim() === ""
    ? null
    : { line: number, end, text, pair: null, columns: TEXT_COLUMNS, values: [text], json: null };
}

function jsonRow(
  { number, end }: Line,
  content: string,
  { name, column, pairColumn, names }: RowOptions,
): Row | null {
  const json = content.trim();
  if (json === "") return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The engine's message repeats a piece of the line, which may be private.
    throw invalidRow(`Line ${number} of ${name} is not JSON. In JSON Lines, each line must be an object.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalidRow(
      `Line ${number} of ${name} is not a JSON object. Each line must be an object with the text as a property.`,
    );
  const columns = Object.keys(value);
  const stringOf = (property: string, { what, option }: ColumnNames["text"]): string => {
    const found = Object.hasOwn(value, property) ? (value as Record<string, unknown>)[property] : undefined;
    if (typeof found === "string") return found;
    throw invalidRow(
      `Line ${number} of ${name} has no string property ${JSON.stringify(property)}, only ${listed(columns)}. Pass the property of the ${what} with ${option}.`,
    );
  };
  const text = stringOf(column ?? "text", names.text);
  const pair = pairColumn === null ? null : stringOf(pairColumn, names.pair);
  return { line: number, end, text, pair, columns, values: Object.values(value), json };
}

function decoded({ number, bytes }: Line, name: string): string {
  if (!isUtf8(bytes)) throw notUtf8(number, name);
  return bytes.toString();
}
