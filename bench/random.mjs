// Reproducible randomness: a seeded generator and a function that draws from it.

/** A generator of numbers in [0, 1) (mulberry32); the same seed gives the same numbers. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The indices 0 to `count` − 1 in the order of a round. */
export function orderOf(order, count, round, random) {
  const indices = Array.from({ length: count }, (_, i) => i);
  if (order === "rotated") return indices.map((i) => (i + round) % count);
  if (order === "shuffled") {
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [indices[i], indices[j]] = [indices[j], indices[i]];
    }
  }
  return indices;
}
