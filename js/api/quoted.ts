/** Quotes texts of files in messages. */

/** The maximum number of characters of a text that a message repeats. */
const MAX_LENGTH = 120;

/**
 * A text in quotes: cut, and with control characters escaped, which a terminal would obey or which hide text.
 */
export function quoted(text: string, maxLength = MAX_LENGTH): string {
  const start = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  const escaped = (character: string) => `\\u{${character.codePointAt(0)!.toString(16)}}`;
  return JSON.stringify(start).replace(/[\p{Cc}\p{Cf}]/gu, escaped);
}
