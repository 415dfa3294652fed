// The table of what a load comes to: each fault in each situation, in Node and in Chromium. The tests play it
// (node.test.mjs, browser.test.mjs), and docs/networks.md is made of it.

import { FAULTS } from "./faults.mjs";
import { SITUATIONS } from "./play.mjs";

/** The situations that are run in a browser, where each load takes a worker. */
export const IN_CHROMIUM = ["first", "second", "update", "pair"];
/** The faults that two tabs of a browser meet. */
const IN_TWO_TABS = [
  "closed once",
  "cut once",
  "stalled once",
  "drip",
  "refused",
  "half of gzip once",
  "portal once",
];

/** Where the server has nothing new to send, nothing of it can break off. */
const BODY = { second: null };
/** Where a file breaks off or is opened again anyway, or another load asks for it, too, the fault would hit that. */
const REST = { second: null, pair: null, resumed: null, reopened: null };
/** No file can be fetched, and copies are used. */
const UNREACHED = { else: "network", second: "answer" };
const LOST = { else: "network", ...BODY };
/** JSON and a vocabulary say themselves that they don't end. */
const SHORT = { else: "weights_length", tokenizer: "tokenizer_invalid", vocab: "tokenizer_invalid", ...BODY };
const FOREIGN = { else: "not_a_model" };

/**
 * What each fault comes to: `else` in all situations but those that are named. `"answer"` is that of the version which
 * the server has, anything else the kind of an error, and null what can't be or isn't played: a body doesn't break off
 * where the server has nothing new to send. `chromium` has what is another there.
 */
const OUTCOMES = {
  "closed once": { else: "answer" },
  closed: UNREACHED,
  "reset once": { else: "answer" },
  reset: UNREACHED,
  "cut once": { else: "answer", ...BODY },
  cut: LOST,
  "reset midway": { else: "answer", ...BODY },
  "stalled once": { else: "answer", ...BODY },
  stalled: LOST,
  "silent once": { else: "answer" },
  silent: UNREACHED,
  drip: { else: "answer", ...BODY },
  refused: UNREACHED,
  "name gone": UNREACHED,
  "too short": LOST,
  "too short once": { else: "answer", ...BODY },
  "too long": SHORT,
  "no length, cut": SHORT,
  "chunks cut": { else: "answer", ...BODY },
  // A tag that is the copy's, with another length: a page is not shown the length of another origin's file.
  empty: { ...FOREIGN, chromium: { second: "answer" } },
  "not gzip": UNREACHED,
  "half of gzip": SHORT,
  "half of gzip once": { else: "answer", ...BODY },
  "gzip unsaid": { ...FOREIGN, chromium: { second: "answer" } },
  garbage: UNREACHED,
  "another file": { ...FOREIGN, tokenizer: "tokenizer_invalid", vocab: "tokenizer_invalid" },
  "rest whole": { else: "answer", ...REST },
  "rest elsewhere": { else: "answer", ...REST },
  "rest refused": { else: "network", ...REST },
  "rest out of range": { else: "answer", ...REST },
  "rest of another": { else: "answer", ...REST },
  "rest of another, untold": { else: "answer", ...REST },
  "moved midway": { else: "answer", ...REST },
  "moved on": { else: null, reopened: "answer" },
  "moved between": { else: "answer", second: null },
  "part unasked": UNREACHED,
  // That the copy still holds is believed: see docs/networks.md.
  "304 unasked": { ...UNREACHED, update: null },
  "500 once": { else: "answer" },
  "500 always": UNREACHED,
  "503 once": { else: "answer" },
  "429 always": UNREACHED,
  // A file that its server no longer has is not answered for by copies.
  "404 always": { else: "network" },
  "401 always": UNREACHED,
  loop: UNREACHED,
  elsewhere: { else: "answer" },
  // A page in the place of a vocabulary says that there is none.
  portal: { ...FOREIGN, second: "answer", vocab: "network" },
  "portal once": { else: "answer", vocab: "network" },
};

/** What a fault comes to in a situation. */
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
      const name = `the server ${FAULTS[fault].says}: ${SITUATIONS[situation].says}`;
      return outcome === null ? [] : [{ name, fault, situation, outcome }];
    }),
  );
}
