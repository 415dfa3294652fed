/**
 * Escapes control characters for the terminal. Texts, labels, file names and servers' answers are untrusted,
 * and a terminal interprets some characters as commands: to move the cursor, to set its title, to send text
 * as if it had been typed.
 */

/**
 * Control characters except for tabs and line breaks, and those that change the direction of the text after
 * them.
 */
const COMMANDS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;
const BREAKS = /[\t\n]/g;

/** The text with characters that a terminal would obey escaped, as in `\u001b`. */
export function visible(text: string): string {
  return text.replace(COMMANDS, escaped);
}

/** The same for text on one line. */
export function onOneLine(text: string): string {
  return visible(text).replace(BREAKS, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
