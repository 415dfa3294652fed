/**
 * How much text the CPU is given at once: it computes in the service's own thread, where messages, an abort
 * among them, wait meanwhile.
 */

import type { Text } from "../api/types.js";

/**
 * Milliseconds that a turn is meant to take: an abort waits no longer than that for what is under way, with
 * room for a slow one.
 */
const TURN_MS = 25;
/** UTF-16 units of the first turn, before anything was measured: some 16 tokens. */
const FIRST_UNITS = 64;
/** The most of a turn. The wasm's own groups are no larger, so more would only delay messages. */
const MOST_UNITS = 4096;
/** What a text costs besides its characters, in units: its special tokens. */
const UNITS_PER_TEXT = 8;

/** The pace of one model on this machine. */
export interface Pace {
  /** Units that the next turn may have. */
  units(): number;
  /** Tells what a turn took. */
  took(units: number, ms: number): void;
}

/** A pace that nothing is known of yet. */
export function startPace(): Pace {
  let unitsPerTurn = FIRST_UNITS;
  return {
    units: () => unitsPerTurn,
    took(units, ms) {
      // A clock of a page that is not isolated ticks in tenths of a millisecond.
      const fitting = (TURN_MS * units) / Math.max(ms, 0.1);
      // By at most half and double a turn: one that was disturbed, or of a few units, tells little.
      unitsPerTurn = Math.min(Math.max(fitting, unitsPerTurn / 2, 1), unitsPerTurn * 2, MOST_UNITS);
    },
  };
}

/** What texts and pairs cost, in units. */
export function unitsOf(texts: readonly Text[]): number {
  return texts.reduce((sum, text) => sum + lengthOf(text) + UNITS_PER_TEXT, 0);
}

/** The UTF-16 units of a text, or of both texts of a pair. */
export function lengthOf(text: Text): number {
  return typeof text === "string" ? text.length : text.text.length + text.pair.length;
}
