/** What stands in the boxes: a text, or a pair of texts. */

import type { Text } from "tabsense";

/** The first text, or the only one. */
export function firstOf(text: Text): string {
  return typeof text === "string" ? text : text.text;
}

/** The second text; empty where there is none. */
export function secondOf(text: Text): string {
  return typeof text === "string" ? "" : text.pair;
}

/** A pair where there is a second text, or else the first alone. */
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
