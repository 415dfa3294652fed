/** Texts of files in messages. */

/** The most characters of one that a message repeats. */
const MOST = 120;

/** A text in quotes: cut, and without control characters, which a terminal would obey, or which hide what it says. */
export function quoted(text: string, most = MOST): string {
  const start = text.length > most ? `${text.slice(0, most)}…` : text;
  const escaped = (character: string) => `\\u{${character.codePointAt(0)!.toString(16)}}`;
  return JSON.stringify(start).replace(/[\p{Cc}\p{Cf}]/gu, escaped);
}
