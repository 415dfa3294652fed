// The cases that are timed: made-up texts of an exact number of tokens, and the texts of data sets.

import { seeded } from "./random.mjs";
import { dataSet } from "./models.mjs";

/** Requests of a made-up case: no request equals the one before, and four are enough for that. */
const REQUESTS = 4;

/** Cases of a workload for a model: `{ id, workload, group, tokens, batch, rounds, iterations, implementations, requests: [{ texts, ids }] }`;
 * `implementations` null means all. */
export function casesOf(workload, model, config, tokenize) {
  if (workload.models && !workload.models.includes(model.name)) return [];
  const { name, rounds, iterations, implementations = null } = workload;
  const common = { workload: name, rounds, iterations, implementations };
  if (workload.data) return dataCases(workload, config, tokenize).map((part) => ({ ...common, ...part }));
  return workload.tokens.flatMap((tokens) => workload.batch.map((batch) => ({ ...common, ...madeUp(name, model, tokens, batch, config.seed) })));
}

/** Cases of a sweep that times something of its own; a sweep over models or threads has one case, at its number of tokens. */
export function sweepCases(sweep, model, config) {
  if (sweep.models && !sweep.models.includes(model.name)) return [];
  const { name, rounds = 3, iterations = 3, batch = 1, implementations = null } = sweep;
  const values = sweep.values ?? [sweep.tokens];
  const shape = (value) => (sweep.over === "batch" ? [sweep.tokens, value] : sweep.over === "tokens" ? [value, batch] : [sweep.tokens, batch]);
  return values.map(shape).filter(([tokens]) => tokens <= model.maxTokens).map(([tokens, count]) => {
    const workload = `sweep ${name}`;
    return { workload, rounds, iterations, implementations, ...madeUp(workload, model, tokens, count, config.seed) };
  });
}

/** Words of the model's vocabulary, each one token, so that the number of tokens is exact. */
export function madeUp(workload, model, tokens, batch, seed) {
  const { vocab } = model.tokenizer.model;
  const words = Object.entries(vocab).filter(([word]) => /^[a-z]{3,}$/.test(word));
  const random = seeded(seed + tokens * 1009 + batch);
  const makeText = () => Array.from({ length: tokens - 2 }, () => words[Math.floor(random() * words.length)]);
  const requests = Array.from({ length: REQUESTS }, () => {
    const drawn = Array.from({ length: batch }, makeText);
    return {
      texts: drawn.map((text) => text.map(([word]) => word).join(" ")),
      ids: drawn.map((text) => [vocab["[CLS]"], ...text.map(([, id]) => id), vocab["[SEP]"]]),
    };
  });
  return { id: `${workload}/${tokens}x${batch}`, group: null, tokens, batch, requests };
}

/** A case for each group of a data set, or one for all; tokens are the mean. */
function dataCases({ name, data }, config, tokenize) {
  const { path, group: key } = config.data[data];
  const rows = dataSet(path);
  if (!rows) {
    console.log(`left out: workload ${name}: ${path} is not here`);
    return [];
  }
  const groups = new Map();
  for (const row of rows) groups.set(row[key] ?? null, [...(groups.get(row[key] ?? null) ?? []), row]);
  return [...groups].map(([group, members]) => {
    const requests = members.map((row) => ({ texts: [row.text], ids: [row.ids ?? tokenize(row.text)] }));
    const tokens = requests.reduce((sum, { ids }) => sum + ids[0].length, 0) / requests.length;
    return { id: group === null ? name : `${name}/${group}`, group, tokens, batch: 1, requests };
  });
}
