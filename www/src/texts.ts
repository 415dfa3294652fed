/** The content of the boxes: a text, or a pair of texts. */

import type { Text } from "tabsense";

/** The first text, or the only one. */
export function firstOf(text: Text): string {
  return typeof text === "string" ? text : text.text;
}

/** The second text; empty if there is none. */
export function secondOf(text: Text): string {
  return typeof text === "string" ? "" : text.pair;
}

/** A pair if there is a second text, or else only the first. */
export function textOf(first: string, second: string): Text {
  return second === "" ? first : { text: first, pair: second };
}

/** Whether there is nothing to classify. */
export function isBlank(text: Text): boolean {
  return firstOf(text).trim() === "" && secondOf(text).trim() === "";
}

/** Whether both are the same texts. */
export function isSame(one: Text, other: Text): boolean {
  return firstOf(one) === firstOf(other) && secondOf(one) === secondOf(other);
}
