/** Parses a file into the rows of a table: CSV, JSON Lines, a JSON array, or one text per line. */

import { bytes } from "../format.ts";
import { readCsv } from "./csv.ts";
import { readJson, readJsonLines } from "./json.ts";
import {
  COMMAND_LINE,
  FileProblem,
  limitRows,
  MAX_BYTES,
  type ParseEvent,
  type Reading,
  type ReaderMessage,
  type Source,
} from "./reading.ts";
import { linesOf, openSource } from "./source.ts";
import type { Format } from "./table.ts";

/**
 * Yields the rows of a file as they are read, then the rest of the table.
 *
 * @throws {FileProblem} if it is empty, too large, not text, malformed, or has no rows.
 */
export async function* parseFile(file: File, { encoding, named }: Reading): AsyncGenerator<ReaderMessage> {
  const { name, size } = file;
  if (size === 0) throw new FileProblem(`${name} is empty.`, "empty");
  if (size > MAX_BYTES)
    throw new FileProblem(
      `${name} has ${bytes(size)}. Files in this tab can have up to ${bytes(MAX_BYTES)}. ${COMMAND_LINE}`,
      "too large",
    );
  const source = await openSource(file, encoding);
  const format = formatOf(name, source.head);
  let count = 0;
  for await (const event of read(format, source, named, /\.(tsv|tab)$/i.test(name))) {
    if (event.type === "end") {
      const { shape, skip } = event;
      if (count === 0 && source.head.trim() === "")
        throw new FileProblem(`${name} contains nothing but white space.`, "empty");
      if (count <= skip)
        throw new FileProblem(`${name} has no rows${skip > 0 ? " below its header" : ""}.`, "empty");
      yield { type: "end", table: { name, format, encoding: source.encoding, ...shape }, skip };
      continue;
    }
    count = event.type === "restart" ? 0 : count + event.rows.length;
    limitRows(count);
    yield event;
  }
}

function read(
  format: Format,
  source: Source,
  named: boolean | undefined,
  tsv: boolean,
): AsyncGenerator<ParseEvent> {
  switch (format) {
    case "csv":
      return readCsv(source, named, tsv);
    case "jsonl":
      return readJsonLines(source);
    case "json":
      return readJson(source);
    case "lines":
      return readLines(source);
  }
}

/** Reads one text per line; blank lines are left out. */
async function* readLines(source: Source): AsyncGenerator<ParseEvent> {
  // If a piece ends between CR and LF, one break counts as two: the extra line is blank and left out.
  for await (const { lines, read } of linesOf(source, /\r\n|\n|\r/)) {
    const rows = lines.filter((line) => line.trim() !== "").map((line) => [line]);
    yield { type: "rows", rows, read };
  }
  yield { type: "end", shape: { named: false, columns: ["line"], remarks: [] }, skip: 0 };
}

function formatOf(name: string, head: string): Format {
  const ending = /\.(\w+)$/.exec(name.toLowerCase())?.[1] ?? "";
  if (["csv", "tsv", "tab"].includes(ending)) return "csv";
  if (["jsonl", "ndjson"].includes(ending)) return "jsonl";
  const start = head.trimStart()[0];
  if (ending === "json") return start === "[" ? "json" : "jsonl";
  return start === "{" ? "jsonl" : "lines";
}
