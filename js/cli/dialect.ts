/** The options for the dialect of a CSV file. An error comes with the usage of `command`. */

import { UsageError, type Command } from "./arguments.js";

/** `--quote`: the quote character, or null for none. */
export function quoteOf(value: string, command: Command): string | null {
  if (value === "none") return null;
  if (!/^[\x21-\x7e]$/.test(value))
    throw new UsageError(
      `--quote must be one ASCII character or none, not ${JSON.stringify(value)}.`,
      command,
    );
  return value;
}

/** `--delimiter`: the delimiter, or null if the option isn't passed. */
export function delimiterOf(value: string | undefined, command: Command): string | null {
  if (value === undefined) return null;
  if (value === "\\t" || value === "tab") return "\t";
  if (!/^[\x01-\x7f]$/.test(value) || /["\r\n]/.test(value))
    throw new UsageError(
      `--delimiter must be one ASCII character or tab, not ${JSON.stringify(value)}.`,
      command,
    );
  return value;
}
