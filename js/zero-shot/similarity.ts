/** Scores labels by the similarity of their vectors to a text's. */

/**
 * The factor of a cosine before the softmax: the one with which sentence-transformers trains encoders to
 * distinguish similar texts from others (`MultipleNegativesRankingLoss`).
 */
const SCALE = 20;
/** The maximum number of vectors that are kept. */
const MAX_VECTORS = 20_000;

/** A cache of vectors of texts. */
export interface Vectors {
  /** The vectors of `texts`; `embed` is called for those that are missing. */
  of(
    texts: readonly string[],
    embed: (missing: string[]) => Promise<readonly Float32Array[]>,
  ): Promise<Float32Array[]>;
}

/** Keeps vectors by their texts. If there would be too many, keeps only those of the current call. */
export function startVectors(): Vectors {
  let cache = new Map<string, Float32Array>();
  return {
    async of(texts, embed) {
      const missing = [...new Set(texts)].filter((text) => !cache.has(text));
      const embedded = missing.length > 0 ? await embed(missing) : [];
      if (cache.size + missing.length > MAX_VECTORS) {
        cache = new Map(texts.flatMap((text) => (cache.has(text) ? [[text, cache.get(text)!]] : [])));
      }
      missing.forEach((text, i) => {
        cache.set(text, embedded[i]!);
      });
      return texts.map((text) => cache.get(text)!);
    },
  };
}

/**
 * The scores of labels for a text, from vectors of length 1: the softmax of their scaled cosines, or with
 * `multiLabel` the cosines themselves, but at least 0.
 */
export function similarityScores(
  text: Float32Array,
  labels: readonly Float32Array[],
  multiLabel: boolean,
): number[] {
  const cosines = labels.map((label) => label.reduce((sum, x, i) => sum + x * text[i]!, 0));
  if (multiLabel) return cosines.map((cosine) => Math.min(1, Math.max(0, cosine)));
  const largest = cosines.reduce((a, b) => Math.max(a, b), -1);
  const exponentials = cosines.map((cosine) => Math.exp(SCALE * (cosine - largest)));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((exponential) => exponential / sum);
}
