/** Resolves overlapping entities. */

import type { Entity } from "./types.js";

/** Text that can't be an entity on its own. */
const NO_CONTENT = /^[\s\p{P}\p{S}]*$/u;

/**
 * Entities without overlaps, in text order, and without white space at their ends. Those found by patterns,
 * which check their matches, have priority, then the longest, the surest and the first. The uncovered parts
 * of an entity that loses stay entities: nothing that was found is left out.
 */
export function withoutOverlaps(text: string, entities: readonly Entity[]): Entity[] {
  const ranked = entities
    .map((entity) => within(text, entity, entity.start, entity.end))
    .filter((entity) => entity !== null)
    .sort(byRank);
  const taken: Entity[] = [];
  for (const entity of ranked) {
    for (const [start, end] of free(entity, taken)) {
      const part = within(text, entity, start, end);
      const whole = start === entity.start && end === entity.end;
      if (part && (whole || !NO_CONTENT.test(part.text))) insert(taken, part);
    }
  }
  return taken;
}

function byRank(a: Entity, b: Entity): number {
  const pattern = (entity: Entity) => (entity.source === "pattern" ? 0 : 1);
  const length = (entity: Entity) => entity.end - entity.start;
  return pattern(a) - pattern(b) || length(b) - length(a) || b.score - a.score || a.start - b.start;
}

/** The parts of an entity that none in `taken` covers, in order. */
function free({ start, end }: Entity, taken: readonly Entity[]): [number, number][] {
  const parts: [number, number][] = [];
  let at = start;
  for (let i = placeOf(taken, start); i < taken.length && taken[i]!.start < end; i++) {
    if (taken[i]!.start > at) parts.push([at, taken[i]!.start]);
    at = Math.max(at, taken[i]!.end);
  }
  if (at < end) parts.push([at, end]);
  return parts;
}

function insert(taken: Entity[], entity: Entity): void {
  taken.splice(placeOf(taken, entity.start), 0, entity);
}

/** The index of the first entity that ends after `start`. */
function placeOf(taken: readonly Entity[], start: number): number {
  let [low, high] = [0, taken.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (taken[middle]!.end > start) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The entity from `start` to `end`, without white space at its ends; null if nothing else is in it. */
function within(text: string, entity: Entity, start: number, end: number): Entity | null {
  const part = text.slice(start, end);
  const trimmed = part.trim();
  if (trimmed === "") return null;
  const from = start + part.length - part.trimStart().length;
  return { ...entity, start: from, end: from + trimmed.length, text: trimmed };
}
