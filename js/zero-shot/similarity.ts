/** Scores labels by the similarity of their vectors to a text's. */

/**
 * What a cosine is multiplied with before the softmax: that with which sentence-transformers trains encoders to tell
 * like texts from others (`MultipleNegativesRankingLoss`).
 */
const SCALE = 20;
/** The most vectors that are kept. */
const MOST_KEPT = 20_000;

/** A cache of vectors of texts. */
export interface Vectors {
  /** The vectors of `texts`; `embed` is asked for those that are not there. */
  of(
    texts: readonly string[],
    embed: (missing: string[]) => Promise<readonly Float32Array[]>,
  ): Promise<Float32Array[]>;
}

/** Keeps vectors by their texts: those of the last calls, where there are too many. */
export function startVectors(): Vectors {
  let kept = new Map<string, Float32Array>();
  return {
    async of(texts, embed) {
      const missing = [...new Set(texts)].filter((text) => !kept.has(text));
      const made = missing.length > 0 ? await embed(missing) : [];
      if (kept.size + missing.length > MOST_KEPT) {
        kept = new Map(texts.flatMap((text) => (kept.has(text) ? [[text, kept.get(text)!]] : [])));
      }
      missing.forEach((text, i) => {
        kept.set(text, made[i]!);
      });
      return texts.map((text) => kept.get(text)!);
    },
  };
}

/**
 * The scores of labels for a text, all vectors of length 1: the softmax of their cosines, or with `multiLabel` these
 * themselves, 0 at least.
 */
export function similarityScores(
  text: Float32Array,
  labels: readonly Float32Array[],
  multiLabel: boolean,
): number[] {
  const cosines = labels.map((label) => label.reduce((sum, x, i) => sum + x * text[i]!, 0));
  if (multiLabel) return cosines.map((cosine) => Math.min(1, Math.max(0, cosine)));
  const largest = cosines.reduce((a, b) => Math.max(a, b), -1);
  const powers = cosines.map((cosine) => Math.exp(SCALE * (cosine - largest)));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
