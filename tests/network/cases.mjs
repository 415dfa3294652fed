// The table of outcomes of a load: for each fault in each situation, in Node and in Chromium. The tests run
// it (node.test.mjs, browser.test.mjs), and docs/networks.md is generated from it.

import { FAULTS } from "./faults.mjs";
import { SITUATIONS } from "./run.mjs";

/** The situations that run in a browser, where each load needs a worker. */
export const IN_CHROMIUM = ["first", "second", "update", "pair"];
/** The faults that run in two tabs of a browser. */
const IN_TWO_TABS = [
  "closed once",
  "cut once",
  "stalled once",
  "drip",
  "refused",
  "half of gzip once",
  "portal once",
];

/** If the server has nothing new to send, no body can break off. */
const BODY = { second: null };
/** If the file breaks off or is opened again anyway, or by another load, the fault would hit that request. */
const REST = { second: null, pair: null, resumed: null, reopened: null };
/** No file can be fetched, so copies are used, if any. */
const UNREACHABLE = { else: "network", second: "answer" };
const LOST = { else: "network", ...BODY };
/** JSON and a vocabulary fail to parse if they are cut. */
const SHORT = { else: "weights_length", tokenizer: "tokenizer_invalid", vocab: "tokenizer_invalid", ...BODY };
const FOREIGN = { else: "not_a_model" };

/**
 * The outcome of each fault: `else` in all situations except those that are named. `"answer"` is the answer
 * of the version that the server has, any other text is the kind of an error, and null marks a case that is
 * impossible or isn't run. `chromium` has the outcomes that differ there.
 */
const OUTCOMES = {
  "closed once": { else: "answer" },
  closed: UNREACHABLE,
  "reset once": { else: "answer" },
  reset: UNREACHABLE,
  "cut once": { else: "answer", ...BODY },
  cut: LOST,
  "reset midway": { else: "answer", ...BODY },
  "stalled once": { else: "answer", ...BODY },
  stalled: LOST,
  "silent once": { else: "answer" },
  silent: UNREACHABLE,
  drip: { else: "answer", ...BODY },
  refused: UNREACHABLE,
  "name gone": UNREACHABLE,
  "too short": LOST,
  "too short once": { else: "answer", ...BODY },
  "too long": SHORT,
  "no length, cut": SHORT,
  "chunks cut": { else: "answer", ...BODY },
  // The ETag matches the copy, the length doesn't, but a page can't see the length of another origin's file.
  empty: { ...FOREIGN, chromium: { second: "answer" } },
  "not gzip": UNREACHABLE,
  "half of gzip": SHORT,
  "half of gzip once": { else: "answer", ...BODY },
  "gzip undeclared": { ...FOREIGN, chromium: { second: "answer" } },
  garbage: UNREACHABLE,
  "another file": { ...FOREIGN, tokenizer: "tokenizer_invalid", vocab: "tokenizer_invalid" },
  "rest whole": { else: "answer", ...REST },
  "rest elsewhere": { else: "answer", ...REST },
  "rest refused": { else: "network", ...REST },
  "rest out of range": { else: "answer", ...REST },
  "rest of another": { else: "answer", ...REST },
  "rest of another, no validator": { else: "answer", ...REST },
  "moved midway": { else: "answer", ...REST },
  "moved on": { else: null, reopened: "answer" },
  "moved between": { else: "answer", second: null },
  "part unrequested": UNREACHABLE,
  // A 304 is trusted, so the copy is used: see docs/networks.md.
  "304 always": { ...UNREACHABLE, update: null },
  "500 once": { else: "answer" },
  "500 always": UNREACHABLE,
  "503 once": { else: "answer" },
  "429 always": UNREACHABLE,
  // Copies don't replace a file that its server no longer has.
  "404 always": { else: "network" },
  "401 always": UNREACHABLE,
  loop: UNREACHABLE,
  elsewhere: { else: "answer" },
  // An HTML page instead of a vocabulary means that there is none.
  portal: { ...FOREIGN, second: "answer", vocab: "network" },
  "portal once": { else: "answer", vocab: "network" },
};

/** The outcome of a fault in a situation, or null if the case isn't run. */
export function outcomeOf(fault, situation, runtime) {
  const { chromium = {}, ...table } = OUTCOMES[fault];
  if (runtime === "Chromium" && situation === "pair" && !IN_TWO_TABS.includes(fault)) return null;
  const row = runtime === "Chromium" ? { ...table, ...chromium } : table;
  return Object.hasOwn(row, situation) ? row[situation] : row.else;
}

/** The cases of a runtime: `{ name, fault, situation, outcome }`. */
export function casesOf(runtime) {
  const situations = runtime === "Chromium" ? IN_CHROMIUM : Object.keys(SITUATIONS);
  return Object.keys(FAULTS).flatMap((fault) =>
    situations.flatMap((situation) => {
      const outcome = outcomeOf(fault, situation, runtime);
      const name = `the server ${FAULTS[fault].description}: ${SITUATIONS[situation].description}`;
      return outcome === null ? [] : [{ name, fault, situation, outcome }];
    }),
  );
}
