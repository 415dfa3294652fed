// Runs a case: serves a model, injects the fault in the situation, and reports the outcome.

import { isDeepStrictEqual } from "node:util";
import { RETRIES } from "./client.mjs";
import { FAULTS, longest } from "./faults.mjs";
import { MODELS } from "./models.mjs";
import { startRepository, untilRead } from "./server.mjs";

/**
 * The situation in which the fault happens: the kind of model, the number of loads at once, whether copies of
 * the old version are already kept, whether the server has since moved to a new version, and whether the
 * download has been resumed once.
 */
export const SITUATIONS = {
  first: { description: "a first load", model: "single" },
  second: { description: "a load with copies", model: "single", kept: true },
  update: { description: "a load with copies of an older version", model: "single", kept: true, moved: true },
  pair: { description: "two tabs at once", model: "single", loads: 2 },
  resumed: { description: "a download that was resumed once", model: "single", resumed: true },
  tokenizer: { description: "in tokenizer.json", model: "single", target: "tokenizer.json" },
  sharded: { description: "in the second of four files of weights", model: "sharded" },
  reopened: {
    description: "in the last of them, which is opened twice",
    model: "sharded",
    target: "model-00004-of-00004.safetensors",
  },
  onnx: { description: "in the data beside an ONNX file", model: "onnx" },
  vocab: { description: "in vocab.txt", model: "vocab" },
};

/** How often a fault may happen in a load, which restarts up to three times if a file changes. */
const MAX_STARTS = 4;
/** The stall timeout for stalling servers, in milliseconds: far shorter than the package's. */
const STALL_TIMEOUT_MS = 2000;
/** Milliseconds that a load may take in addition, far more than any does: a load that takes longer hangs. */
const LOAD_MS = 30_000;

/** The first request for the file breaks off after a quarter; the fault handles those that follow. */
const resumed = (fault) => async (exchange) => {
  if (exchange.nth > 0) return fault({ ...exchange, nth: exchange.nth - 1 });
  const { status, headers, body } = exchange.plain();
  await exchange.head(status, { ...headers, "content-length": body.length });
  await exchange.write(body.subarray(0, body.length >> 2));
  await untilRead(exchange.repository);
  await exchange.end();
};

/** The answers of both versions of each kind of model, without a fault. */
export async function referencesOf(server, load) {
  const references = {};
  for (const [kind, { files, text, target }] of Object.entries(MODELS)) {
    for (const version of ["old", "new"]) {
      const repository = startRepository(files, target);
      repository.version = version;
      await server.add(`reference-${kind}-${version}`, repository);
      const answer = await load(repository, { text, cache: false, store: null });
      if (!answer.logits) throw new Error(`${kind}, ${version}: ${answer.message}`);
      (references[kind] ??= {})[version] = answer;
    }
  }
  return references;
}

/**
 * Runs `fault` in `situation`. `load(repository, { text, store })` loads and classifies; `references` are the
 * expected answers. Resolves to `{ outcomes, messages, after, hits, ms }`: the outcome of each load
 * (`"answer"` of the version that the server has, `"older answer"` of the kept version, or the kind of an
 * error), their error messages, the outcome of another load without the fault, how many requests the fault
 * answered, and how long the loads took.
 */
export async function runCase({ fault, situation }, { server, load, references, store }) {
  const { model, target: ownTarget, kept, moved, resumed: isResumed, loads = 1 } = SITUATIONS[situation];
  const { files, text, target } = MODELS[model];
  const { respond, ownServer, stalls } = FAULTS[fault];
  const repository = startRepository(files, ownTarget ?? target);
  const name = `${fault}-${situation}`.replace(/\W+/g, "-");
  await server.add(name, repository, ownServer);
  const network = { retries: RETRIES, stallTimeout: STALL_TIMEOUT_MS };
  const limit = MAX_STARTS * longest(fault, network) + LOAD_MS;
  const stallTimeout = stalls ? STALL_TIMEOUT_MS : undefined;
  const loadNow = () => within(limit, load(repository, { text, store, cache: true, stallTimeout }));
  const outcomeOf = (answer) => nameOf(answer, references[model], repository.version);
  if (kept) {
    const before = outcomeOf(await loadNow());
    if (before !== "answer") throw new Error(`before anything went wrong: ${before}`);
  }
  if (moved) repository.version = "new";
  repository.arm(isResumed ? resumed(respond) : respond);
  const start = performance.now();
  const answers = await Promise.all(Array.from({ length: loads }, loadNow));
  const ms = performance.now() - start;
  const outcomes = answers.map(outcomeOf);
  const { hits } = repository;
  repository.disarm();
  await repository.up();
  const after = outcomeOf(await loadNow());
  return { outcomes, messages: answers.map(({ message }) => message), after, hits, ms };
}

/** Names the outcome of a load: the version of its answer, a mixture, or the kind of its error. */
export function nameOf({ kind, message, ...answer }, { old, new: newer }, version) {
  if (kind) return kind;
  const current = version === "old" ? old : newer;
  if (isDeepStrictEqual(answer, current)) return "answer";
  if (isDeepStrictEqual(answer, old)) return "older answer";
  if (isDeepStrictEqual(answer, newer)) return "newer answer";
  const labels = isDeepStrictEqual(answer.labels, old.labels) ? "old" : "new";
  return `MIXTURE: ${labels} labels, logits ${answer.logits} of neither ${old.logits} nor ${newer.logits}`;
}

async function within(ms, promise) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ kind: `still under way after ${ms} ms` }), ms);
  });
  const first = await Promise.race([promise, late]);
  clearTimeout(timer);
  return first;
}
