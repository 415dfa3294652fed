// The File tab's states without a browser: the transitions of each state, and what each state shows.

import assert from "node:assert/strict";
import test from "node:test";
import { bundled } from "./modules.mjs";

const { EMPTY, next, openedIn, problemOf, runIn } = await bundled("file/state.ts");
const { shownFor } = await bundled("file/shown.ts");

const CLASSIFIER = { key: "first" };
const OTHER = { key: "second" };
const FILE = { name: "reviews.csv" };
const TABLE = {
  name: "reviews.csv",
  columns: ["id", "text"],
  rows: [
    ["a", "Lovely."],
    ["b", ""],
    ["", "Bad."],
  ],
};
const OPENING = { type: "opening", file: "reviews.csv" };
const READ = { type: "read", file: FILE, table: TABLE, column: 1 };
const STARTED = { type: "started", classifier: CLASSIFIER };
const CLASSIFIED = { type: "classified", progress: { done: 1, total: 2, spent: 500, left: 500 } };
const PROBLEM = { message: "reviews.csv is empty.", recodable: false };

const after = (...events) => events.reduce(next, EMPTY);
const texts = (state) => openedIn(state).items.map(({ text }) => text);

/** One state of each name. */
const STATES = {
  empty: () => EMPTY,
  reading: () => after(OPENING),
  error: () => after(OPENING, { type: "unread", file: FILE, problem: PROBLEM }),
  chosen: () => after(OPENING, READ),
  running: () => after(OPENING, READ, STARTED),
  done: () => after(OPENING, READ, STARTED, CLASSIFIED, { type: "finished" }),
  stopped: () => after(OPENING, READ, STARTED, CLASSIFIED, { type: "stopped", cause: "cancelled" }),
};

/**
 * The state that each event leads to, by the state before; a state that isn't listed stays the same object.
 */
const STEPS = [
  [OPENING, Object.fromEntries(Object.keys(STATES).map((name) => [name, "reading"]))],
  [{ type: "closed" }, Object.fromEntries(Object.keys(STATES).map((name) => [name, "empty"]))],
  [{ type: "reading", share: 0.5 }, { reading: "reading" }],
  [READ, { reading: "chosen" }],
  [{ type: "unread", file: null, problem: PROBLEM }, { reading: "error" }],
  [
    { type: "column", column: 0 },
    { chosen: "chosen", done: "chosen", stopped: "chosen" },
  ],
  [STARTED, { chosen: "running", done: "running", stopped: "running" }],
  [CLASSIFIED, { running: "running" }],
  [{ type: "finished" }, { running: "done" }],
  [{ type: "stopped", cause: "failed", problem: PROBLEM }, { running: "stopped" }],
  [
    { type: "refused", problem: PROBLEM },
    Object.fromEntries(Object.keys(STATES).map((name) => [name, name])),
  ],
  ...[
    { type: "filtered", filter: { text: "x" } },
    { type: "sorted", key: "score" },
  ].map((event) => [event, { chosen: "chosen", running: "running", done: "done", stopped: "stopped" }]),
];

for (const [event, expected] of STEPS) {
  test(`"${event.type}" leads from each state to the right one`, () => {
    for (const [name, make] of Object.entries(STATES)) {
      const state = make();
      const found = next(state, event);
      if (name in expected) assert.equal(found.name, expected[name], name);
      else assert.equal(found, state, `${name} ignores it`);
      assert.deepEqual(state, make(), `${name} itself is not changed`);
    }
  });
}

test("the errors on show are cleared by a new reading, a run and a close", () => {
  const refused = next(STATES.chosen(), { type: "refused", problem: PROBLEM });
  assert.equal(refused.problem, PROBLEM);
  assert.equal(next(refused, { type: "column", column: 0 }).problem, PROBLEM);
  for (const event of [OPENING, STARTED, { type: "closed" }])
    assert.equal(next(refused, event).problem, null);
  assert.equal(STATES.error().problem, PROBLEM);
  const failed = next(STATES.running(), { type: "stopped", cause: "failed", problem: PROBLEM });
  assert.equal(failed.problem, PROBLEM);
});

test("another column starts over: its texts, no verdicts, no filter, the order of the file", () => {
  let state = STATES.done();
  openedIn(state).items[0].label = "POSITIVE";
  state = next(state, { type: "filtered", filter: { group: "POSITIVE", text: "love" } });
  state = next(state, { type: "sorted", key: "score" });
  state = next(state, { type: "column", column: 0 });
  const { column, items, filter, order } = openedIn(state);
  assert.equal(column, 0);
  assert.deepEqual(texts(state), ["a", "b", ""]);
  assert.ok(items.every(({ label }) => label === null));
  assert.deepEqual(
    [filter, order],
    [
      { group: null, text: "", minScore: 0 },
      { key: "place", down: false },
    ],
  );
  assert.equal(runIn(state), null);
});

test("a run continues with the rows that are left; another model starts over", () => {
  let state = next(STATES.stopped(), { type: "filtered", filter: { group: "POSITIVE", minScore: 0.5 } });
  const { items } = openedIn(state);
  items[0].label = "POSITIVE";
  const same = next(state, STARTED);
  assert.equal(openedIn(same).items, items);
  assert.equal(openedIn(same).filter.group, "POSITIVE");
  assert.equal(runIn(same).progress.total, 1);
  state = next(state, { type: "started", classifier: OTHER });
  assert.ok(openedIn(state).items.every(({ label }) => label === null));
  assert.deepEqual(openedIn(state).filter, { group: null, text: "", minScore: 0.5 });
  assert.deepEqual(runIn(state), { classifier: OTHER, progress: { done: 0, total: 2, spent: 0, left: 0 } });
});

test("a column sorts ascending first, the score descending, and each the other way the second time", () => {
  const sorted = (state, key) => next(state, { type: "sorted", key });
  let state = sorted(STATES.done(), "score");
  assert.deepEqual(openedIn(state).order, { key: "score", down: true });
  state = sorted(state, "score");
  assert.deepEqual(openedIn(state).order, { key: "score", down: false });
  state = sorted(state, 1);
  assert.deepEqual(openedIn(state).order, { key: 1, down: false });
  assert.deepEqual(openedIn(sorted(state, 1)).order, { key: 1, down: true });
});

test("each state shows its parts and its words", () => {
  const found = Object.fromEntries(
    Object.entries(STATES).map(([name, make]) => {
      const { zone, reading, chosen, preview, results, running, status } = shownFor(make(), CLASSIFIER);
      const parts = Object.entries({ zone, reading, chosen, preview, results, running });
      return [name, [parts.flatMap(([part, is]) => (is ? [part] : [])).join(" "), status]];
    }),
  );
  assert.deepEqual(found, {
    empty: ["zone", ""],
    reading: ["zone reading", ""],
    error: ["zone", ""],
    chosen: ["chosen preview", "2 texts, 1 row without text"],
    running: ["chosen results running", "0 of 2 texts"],
    done: ["chosen results", "Done: 1 text in 0.5 s"],
    stopped: ["chosen results", "Cancelled: 1 of 2 texts classified"],
  });
  assert.equal(shownFor(STATES.reading(), CLASSIFIER).zoneWords, "Reading reviews.csv …");
  assert.equal(shownFor(STATES.error(), CLASSIFIER).zoneWords, "Drop a file here");
  const stopped = (cause) => shownFor(next(STATES.running(), { type: "stopped", cause }), CLASSIFIER).status;
  assert.equal(stopped("replaced"), "Stopped: another model is in use now");
  assert.equal(stopped("failed"), "Stopped: 0 of 2 texts classified");
});

test("a screen reader hears a run begin and end, not its steps", () => {
  const running = next(STATES.running(), CLASSIFIED);
  assert.equal(shownFor(running, CLASSIFIER).status, "1 of 2 texts, 2 per second, 0.5 s left");
  assert.equal(shownFor(running, CLASSIFIER).announced, "Classifying");
  assert.equal(shownFor(STATES.done(), CLASSIFIER).announced, shownFor(STATES.done(), CLASSIFIER).status);
});

test("the button says what it would classify, and is off where there is nothing", () => {
  const button = (state, classifier = CLASSIFIER) => {
    const { words, enabled } = shownFor(state, classifier).start;
    return [words, enabled];
  };
  assert.deepEqual(button(STATES.chosen(), null), ["Waiting for the model", false]);
  assert.deepEqual(button(STATES.chosen()), ["Classify 2 texts", true]);
  const stopped = STATES.stopped();
  openedIn(stopped).items[0].label = "POSITIVE";
  assert.deepEqual(button(stopped), ["Classify the other 1", true]);
  assert.deepEqual(button(stopped, OTHER), ["Classify 2 texts", true]);
  openedIn(stopped).items[2].why = "not sure";
  assert.deepEqual(button(stopped), ["All classified", false]);
  assert.deepEqual(button(stopped, OTHER), ["Classify 2 texts", true]);
  const blank = after(OPENING, { ...READ, table: { ...TABLE, rows: [["a", " "]] } });
  assert.deepEqual(button(blank), ["No text to classify", false]);
});

test("only a file that is not in UTF-8 is offered to be read as Windows-1252", () => {
  const error = (kind) => Object.assign(new Error("wrong"), { kind });
  assert.deepEqual(problemOf(error("not UTF-8")), { message: "wrong", recodable: true });
  assert.deepEqual(problemOf(error("syntax")), { message: "wrong", recodable: false });
  assert.deepEqual(problemOf("text"), { message: "text", recodable: false });
});
