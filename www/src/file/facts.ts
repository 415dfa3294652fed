/** The headline and the facts of a run. */

import { make, part } from "../dom.ts";
import { counted, DEVICE_NAMES, seconds, share, whole } from "../format.ts";
import type { RowClassifier } from "./row-classifier.ts";
import type { Item } from "./rows.ts";
import type { Progress } from "./run.ts";

/** The headline: what most rows are, once there are verdicts. */
export function finding(items: readonly Item[], counts: ReadonlyMap<string, number>): string {
  const classified = items.filter(({ label, why }) => label !== null || why === "not sure").length;
  const [label, count] = [...counts].find(([group]) => items.some((item) => item.label === group)) ?? [];
  if (label === undefined || count === undefined) return "Classify a whole file";
  return `${share(count, classified)} are ${label}`;
}

/** The facts of a run so far. */
export function facts(run: (Progress & { classifier: RowClassifier; items: readonly Item[] }) | null): void {
  const pairs: [string, string][] = [
    ["texts", "–"],
    ["time", "–"],
    ["texts per second", "–"],
    ["model", "–"],
    ["runs on", "–"],
  ];
  if (run) {
    const { info, name } = run.classifier;
    const cut = run.items.filter((item) => item.cut).length;
    const values = [
      whole(run.done),
      seconds(run.spent),
      run.spent > 0 ? whole(Math.round((1000 * run.done) / run.spent)) : "–",
      `${name}, ${info.dtype}`,
      `${DEVICE_NAMES[info.device] === "AUTO" ? "CPU or WebGPU" : DEVICE_NAMES[info.device]}${info.device === "cpu" ? `, ${counted(info.threads, "thread")}` : ""}`,
    ];
    pairs.forEach((pair, at) => (pair[1] = values[at] ?? "–"));
    if (cut > 0) pairs.push([`cut to ${info.model.maxTokens} tokens`, counted(cut, "text")]);
  }
  part("file-run-facts", HTMLElement).replaceChildren(
    ...pairs.map(([name, value]) => {
      const pair = make("div");
      pair.append(make("dt", "", name), make("dd", "", value));
      return pair;
    }),
  );
}
