/** The texts of a file: one per line, or JSON Lines of objects with a property `text`. */

import { TabsenseError } from "./errors.js";

/**
 * A text of only white space, control characters and others that a model's tokenizer drops; it has no labels.
 */
export const BLANK = /^[\s\p{C}\p{Mn}\uFFFD]*$/u;

/** JSON Lines, by the file's name. */
const JSON_LINES = /\.(jsonl|ndjson)$/i;

/**
 * The texts in the `content` of the file `name`, without blank lines.
 *
 * Kind `"invalid_argument"` if a line doesn't fit the file's extension, or if there is no text.
 */
export function textsOf(content: string, name: string): string[] {
  // A byte order mark is not part of the first text.
  const lines = content.replace(/^\uFEFF/, "").split(/\r?\n/);
  const texts = lines
    .map((line, i) =>
      JSON_LINES.test(name) && line.trim() !== "" ? textOf(line, `Line ${i + 1} of ${name}`) : line,
    )
    .filter((text) => text.trim() !== "");
  if (texts.length === 0)
    throw new TabsenseError(
      "invalid_argument",
      `${name} has no texts. Write one text per line, or JSON Lines (.jsonl) of objects with a property "text".`,
    );
  return texts;
}

function textOf(line: string, where: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The parser's message repeats a part of the line, which may be private.
    throw new TabsenseError(
      "invalid_argument",
      `${where} is not JSON. In a .jsonl file, each line must be an object with a property "text".`,
    );
  }
  const text = (value as { text?: unknown } | null)?.text;
  if (typeof text !== "string")
    throw new TabsenseError("invalid_argument", `${where} has no string property "text".`);
  return text;
}
