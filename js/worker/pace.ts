/**
 * How much text the CPU computes per time slice: it shares the service's thread with messages such as aborts.
 */

import type { Text } from "../api/types.js";

/**
 * Target milliseconds of a time slice: short enough that an abort doesn't wait long, even for a slow slice.
 */
const SLICE_MS = 25;
/** UTF-16 units of the first time slice, before anything was measured: about 16 tokens. */
const FIRST_UNITS = 64;
/** The maximum of a time slice. The wasm's own groups are no larger, so more would only delay messages. */
const MAX_UNITS = 4096;
/** The cost of a text's special tokens, in units. */
const UNITS_PER_TEXT = 8;

/** The pace of one model on this machine. */
export interface Pace {
  /** The units of the next time slice. */
  units(): number;
  /** Reports how long a time slice took. */
  took(units: number, ms: number): void;
}

/** A pace without measurements. */
export function startPace(): Pace {
  let unitsPerSlice = FIRST_UNITS;
  return {
    units: () => unitsPerSlice,
    took(units, ms) {
      // In a page that is not isolated, the clock ticks in tenths of a millisecond.
      const fitting = (SLICE_MS * units) / Math.max(ms, 0.1);
      // Changes to at least half and at most double: a disturbed or short time slice says little.
      unitsPerSlice = Math.min(Math.max(fitting, unitsPerSlice / 2, 1), unitsPerSlice * 2, MAX_UNITS);
    },
  };
}

/** The cost of texts and pairs, in units. */
export function unitsOf(texts: readonly Text[]): number {
  return texts.reduce((sum, text) => sum + lengthOf(text) + UNITS_PER_TEXT, 0);
}

/** The UTF-16 units of a text, or of both texts of a pair. */
export function lengthOf(text: Text): number {
  return typeof text === "string" ? text.length : text.text.length + text.pair.length;
}
