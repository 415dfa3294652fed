/** The findings of leave-one-out, on the tab's right side: accuracy, confusions, and doubtful examples. */

import type { DoubtfulExample, Evaluation, LabelEvaluation } from "tabsense";
import { make, part } from "../dom.ts";
import { counted, percent, share, whole } from "../format.ts";

const MAX_CONFUSIONS = 5;
const MAX_DOUBTFUL = 5;
const MAX_STEPS = 40; // of the history that is drawn
const MIN_SLOTS = 12; // a few steps don't fill the width

/** What the user can do with a doubtful example. */
export interface Doubts {
  relabel(example: DoubtfulExample): void;
  remove(example: DoubtfulExample): void;
}

/** A step of the history. */
interface Step {
  examples: number;
  accuracy: number;
}

/** The tab's right side. */
export interface Insight {
  /** `counts`: the number of examples of each label, shown without a report. */
  show(report: Evaluation | null, counts: ReadonlyMap<string, number>): void;
  /** Clears the history. */
  forget(): void;
}

/** Wires the side. */
export function wireInsight(doubts: Doubts): Insight {
  const doubtful = part("teach-doubtful", HTMLUListElement);
  let steps: Step[] = [];
  let last: Evaluation | null = null;

  const note = (report: Evaluation): void => {
    const { accuracy, examples } = report;
    const before = steps.at(-1);
    if (report === last || accuracy === null) return;
    if (before?.accuracy === accuracy && before.examples === examples) return;
    steps = [...steps, { examples, accuracy }].slice(-MAX_STEPS);
  };

  return {
    forget: () => void (steps = []),
    show(report, counts) {
      if (report) note(report);
      last = report;
      const accuracy = report?.accuracy ?? null;
      part("teach-accuracy", HTMLElement).textContent = accuracy === null ? "–" : percentOf(accuracy);
      part("teach-finding", HTMLElement).textContent =
        report && accuracy !== null
          ? `${whole(Math.round(accuracy * report.examples))} of ${whole(report.examples)} correct`
          : "Teach it your own labels";
      drawGrowth(steps);
      showTable(report?.labels ?? [...counts].map(unevaluated));
      showConfusions(report);
      showDoubtful(doubtful, report, doubts);
    },
  };
}

/** Whole percentages: with few examples, more digits would claim too much. */
function percentOf(accuracy: number): string {
  return accuracy === 0 || accuracy === 1 ? share(accuracy, 1) : `${Math.round(100 * accuracy)} %`;
}

function drawGrowth(steps: readonly Step[]): void {
  const svg = document.querySelector('[data-testid="teach-growth"]');
  const [first, last] = [steps[0], steps.at(-1)];
  const width = 100 / Math.max(steps.length, MIN_SLOTS);
  svg?.replaceChildren(
    ...steps.map(({ accuracy }, at) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const gap = Math.min(0.6, width / 4);
      const box = { x: at * width, width: width - gap, y: 40 - 40 * accuracy, height: 40 * accuracy };
      for (const [name, value] of Object.entries(box)) bar.setAttribute(name, value.toFixed(2));
      if (at === steps.length - 1) bar.setAttribute("class", "now");
      return bar;
    }),
  );
  part("teach-growth-words", HTMLElement).textContent =
    first && last && steps.length > 1
      ? `${percentOf(first.accuracy)} with ${counted(first.examples, "example")}, ${percentOf(last.accuracy)} with ${whole(last.examples)}.`
      : "The chart grows as you add examples.";
}

/** A label without findings yet. */
function unevaluated([label, examples]: readonly [string, number]): LabelEvaluation {
  return { label, examples, precision: null, recall: null };
}

function showTable(labels: readonly LabelEvaluation[]): void {
  const cell = (value: number | null): string => (value === null ? "–" : percentOf(value));
  const table = part("teach-metrics", HTMLTableElement);
  table.tBodies[0]?.replaceChildren(
    ...labels.map(({ label, examples, precision, recall }) => {
      const row = make("tr");
      const head = make("th", "", label);
      head.scope = "row";
      head.title = label;
      const cells = [whole(examples), cell(precision), cell(recall)].map((text) => make("td", "", text));
      row.append(head, ...cells);
      return row;
    }),
  );
}

function showConfusions(report: Evaluation | null): void {
  const list = part("teach-confused", HTMLUListElement);
  const found = report?.confusions ?? [];
  const items = found.slice(0, MAX_CONFUSIONS).map(({ label, predicted, count }) => {
    const item = make("li");
    item.append(make("b", "", label), " taken for ", make("b", "", predicted), ` ${timesOf(count)}`);
    return item;
  });
  if (found.length > MAX_CONFUSIONS)
    items.push(make("li", "none", `and ${counted(found.length - MAX_CONFUSIONS, "other pair")}`));
  if (found.length === 0) items.push(make("li", "none", report ? "Nothing" : "Not known yet."));
  list.replaceChildren(...items);
}

function timesOf(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${whole(count)} times`;
}

function showDoubtful(list: HTMLElement, report: Evaluation | null, doubts: Doubts): void {
  const focused = list.contains(document.activeElement);
  const found = report?.doubtful ?? [];
  const items = found.slice(0, MAX_DOUBTFUL).map((example) => {
    const item = make("li");
    const text = make("p", "doubtful-text", example.text);
    const explanation = make("p", "note");
    explanation.append(
      "under ",
      make("b", "", example.labels[0]),
      "; the other examples suggest ",
      make("b", "", example.predicted),
      `, ${percent(example.score)}`,
    );
    const relabel = button(`Make it ${example.predicted}`, () => doubts.relabel(example));
    const remove = button("Remove", () => doubts.remove(example));
    remove.setAttribute("aria-label", `Remove “${example.text.slice(0, 80)}”`);
    const actions = make("p", "doubtful-ways");
    actions.append(relabel, remove);
    item.append(text, explanation, actions);
    return item;
  });
  if (found.length > MAX_DOUBTFUL)
    items.push(make("li", "none", `and ${counted(found.length - MAX_DOUBTFUL, "other")}`));
  if (found.length === 0) items.push(make("li", "none", report ? "None stands out." : "Not known yet."));
  list.replaceChildren(...items);
  if (focused) (list.querySelector("button") ?? list).focus();
}

function button(text: string, pressed: () => void): HTMLButtonElement {
  const element = make("button", "quiet", text);
  element.type = "button";
  element.addEventListener("click", pressed);
  return element;
}
