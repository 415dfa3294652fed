// Runs next to an implementation, in its page or Node process: loads it, times it and requests its answers.
// bench/python/run.py handles the same requests.

/**
 * An agent whose `handle({ op, … })` processes the harness's requests; `importModule` imports an
 * implementation's module.
 */
export function createAgent(importModule) {
  let loaded = null;
  const cases = new Map();

  const operations = {
    /** Loads a model and answers once; resolves to the milestones, in milliseconds since 1970. */
    async load({ module, options, first }) {
      const start = now();
      loaded = await (await importModule(module)).load(options);
      const ready = now();
      await loaded.classify(first.texts, first.ids);
      return {
        start,
        ready,
        answered: now(),
        variant: loaded.variant ?? null,
        adapter: loaded.adapter ?? null,
      };
    },

    /** Stores cases for later turns: `{ id, requests: [{ texts, ids }] }`. */
    cases(message) {
      for (const { id, requests } of message.cases) cases.set(id, requests);
    },

    /**
     * Times a case's requests one by one, starting at number `offset`; stops early
     * after `limit` milliseconds.
     */
    async turn({ id, iterations, warmUp, offset, limit }) {
      const requests = cases.get(id);
      const times = [];
      const begun = performance.now();
      for (let i = -warmUp; i < iterations; i++) {
        const { texts, ids } = requests[(offset + i + requests.length * warmUp) % requests.length];
        const start = performance.now();
        await loaded.classify(texts, ids);
        const end = performance.now();
        if (i >= 0) times.push(end - start);
        if (end - begun > limit) {
          if (times.length > 0) break;
          i = -1;
        }
      }
      return times;
    },

    /** The probabilities of each label, in the model's order, for each text. */
    async answers({ texts, ids }) {
      const rows = [];
      for (const [i, text] of texts.entries()) rows.push(...(await loaded.classify([text], [ids?.[i]])));
      return rows;
    },

    memory: () => loaded.memory(),

    async dispose() {
      await loaded?.dispose();
      loaded = null;
    },
  };
  return { handle: async ({ op, ...message }) => (await operations[op](message)) ?? null };
}

function now() {
  return performance.timeOrigin + performance.now();
}
