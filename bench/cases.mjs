// The cases that are timed: made-up texts of an exact number of tokens, and the texts of data sets.

import { seeded } from "./random.mjs";
import { dataSet } from "./models.mjs";

/** Requests of a made-up case: enough that no request equals the one before it. */
const REQUESTS = 4;

/**
 * Cases of a workload for a model: `{ id, workload, group, tokens, batch, rounds, iterations,
 * implementations, subjects, requests: [{ texts, ids }] }`. `implementations` and `subjects` (ids) list those
 * that take part; null means all.
 */
export function casesOf(workload, model, config, tokenize) {
  if (workload.models && !workload.models.includes(model.name)) return [];
  const { name, rounds, iterations, implementations = null, subjects = null } = workload;
  const common = { workload: name, rounds, iterations, implementations, subjects };
  if (workload.data) return dataCases(workload, config, tokenize).map((part) => ({ ...common, ...part }));
  if (workload.mixed)
    return workload.batch.map((batch) => ({
      ...common,
      ...mixed(name, model, workload.mixed, batch, config.seed),
    }));
  return workload.tokens.flatMap((tokens) =>
    workload.batch.map((batch) => ({ ...common, ...madeUp(name, model, tokens, batch, config.seed) })),
  );
}

/**
 * Cases of a sweep for a model. A sweep over models or threads has a single case, at its number of tokens.
 */
export function sweepCases(sweep, model, config) {
  if (sweep.models && !sweep.models.includes(model.name)) return [];
  const { name, rounds = 3, iterations = 3, batch = 1, implementations = null } = sweep;
  const values = sweep.values ?? [sweep.tokens];
  const shape = (value) =>
    sweep.over === "batch"
      ? [sweep.tokens, value]
      : sweep.over === "tokens"
        ? [value, batch]
        : [sweep.tokens, batch];
  return values
    .map(shape)
    .filter(([tokens]) => tokens <= model.maxTokens)
    .map(([tokens, count]) => {
      const workload = `sweep ${name}`;
      return {
        workload,
        rounds,
        iterations,
        implementations,
        ...madeUp(workload, model, tokens, count, config.seed),
      };
    });
}

/** A case of texts with `tokens` tokens each. */
export function madeUp(workload, model, tokens, batch, seed) {
  const requests = draw(model, Array(batch).fill(tokens), seeded(seed + tokens * 1009 + batch));
  return { id: `${workload}/${tokens}x${batch}`, group: null, tokens, batch, requests };
}

/**
 * A case of texts with `shortest` to `longest` tokens, evenly spaced and shuffled; the
 * case's `tokens` is their mean.
 */
function mixed(workload, model, [shortest, longest], batch, seed) {
  const random = seeded(seed + shortest * 1009 + longest * 31 + batch);
  const lengths = Array.from({ length: batch }, (_, i) =>
    Math.round(shortest + ((longest - shortest) * i) / Math.max(batch - 1, 1)),
  );
  for (let i = lengths.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [lengths[i], lengths[j]] = [lengths[j], lengths[i]];
  }
  return {
    id: `${workload}/${shortest}-${longest}x${batch}`,
    group: null,
    tokens: lengths.reduce((sum, n) => sum + n, 0) / batch,
    batch,
    requests: draw(model, lengths, random),
  };
}

/**
 * Requests of texts with given numbers of tokens, which are exact: each word is a single token
 * of the model's vocabulary.
 */
function draw(model, lengths, random) {
  const { first, last, words } = vocabularyOf(model);
  return Array.from({ length: REQUESTS }, () => {
    const drawn = lengths.map((tokens) =>
      Array.from({ length: tokens - 2 }, () => words[Math.floor(random() * words.length)]),
    );
    return {
      texts: drawn.map((text) => text.map(([word]) => word).join(" ")),
      ids: drawn.map((text) => [first, ...text.map(([, id]) => id), last]),
    };
  });
}

/** Short words that are one token each, with their ids, and the ids of a text's first and last token. */
function vocabularyOf({ tokenizer: { model } }) {
  if (model.type !== "Unigram") {
    const words = Object.entries(model.vocab).filter(([word]) => /^[a-z]{3,}$/.test(word));
    return { first: model.vocab["[CLS]"], last: model.vocab["[SEP]"], words };
  }
  const pieces = model.vocab.map(([piece], id) => [piece, id]);
  // Common words come first; a rare one may be split in two.
  const words = pieces
    .filter(([piece]) => /^▁[a-z]{3,}$/.test(piece))
    .slice(0, 2000)
    .map(([piece, id]) => [piece.slice(1), id]);
  const idOf = (token) => pieces.find(([piece]) => piece === token)[1];
  return { first: idOf("<s>"), last: idOf("</s>"), words };
}

/** A case for each group of a data set, or a single one; `tokens` is the mean. */
function dataCases({ name, data }, config, tokenize) {
  const { path, group: key } = config.data[data];
  const rows = dataSet(path);
  if (!rows) {
    console.log(`left out: workload ${name}: ${path} is missing`);
    return [];
  }
  const groups = new Map();
  for (const row of rows) groups.set(row[key] ?? null, [...(groups.get(row[key] ?? null) ?? []), row]);
  return [...groups].map(([group, members]) => {
    const requests = members.map((row) => ({ texts: [row.text], ids: [tokenize(row.text)] }));
    const tokens = requests.reduce((sum, { ids }) => sum + ids[0].length, 0) / requests.length;
    return { id: group === null ? name : `${name}/${group}`, group, tokens, batch: 1, requests };
  });
}
