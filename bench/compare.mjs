// Two results side by side: what changed, and whether it is more than noise.

import { ms, percent } from "./report/format.mjs";
import { adapterNames, machineLine } from "./report/tables.mjs";
import { markdownTable } from "./report/markdown.mjs";
import { change } from "./statistics.mjs";

/**
 * The cases that both results timed: `{ subject, case, before, after, relative, p, significant }`. Times are
 * medians of the rounds' medians, in ms.
 */
export function compareResults(before, after) {
  return before.latencies.flatMap((old) => {
    const now = after.latencies.find((row) => row.subject === old.subject && row.case === old.case);
    return now ? [{ subject: old.subject, case: old.case, ...change(old.rounds, now.rounds) }] : [];
  });
}

/** The comparison as text for the terminal. */
export function comparisonText(before, after) {
  const rows = compareResults(before, after);
  const warnings = ["processor", "cores", "browser"]
    .filter((key) => before.system[key] !== after.system[key])
    .map((key) => `The ${key} differs: times are not comparable.`);
  const [gpus, gpusNow] = [before, after].map((result) => adapterNames(result).join(", "));
  if (gpus !== gpusNow && gpus && gpusNow)
    warnings.push("The WebGPU adapter differs: its times are not comparable.");
  const table = {
    head: ["", "case", "before, ms", "after, ms", "change", "p", ""],
    rows: rows.map((row) => [
      row.subject,
      row.case,
      ms(row.before),
      ms(row.after),
      `${row.relative > 0 ? "+" : ""}${percent(row.relative)}`,
      row.p === null ? "–" : row.p.toFixed(3),
      verdict(row),
    ]),
  };
  const slower = rows.filter(({ significant, relative }) => significant && relative > 0).length;
  const faster = rows.filter(({ significant, relative }) => significant && relative < 0).length;
  return [
    `before: ${machineLine(before)}`,
    `after:  ${machineLine(after)}`,
    ...warnings,
    "",
    markdownTable(table),
    "",
    `${rows.length} compared: ${faster} faster, ${slower} slower, the rest within the noise (a permutation test of the rounds' medians, p < 0.01 and more than 3 %; three rounds or fewer are too few for a test).`,
  ].join("\n");
}

function verdict({ significant, relative, p }) {
  if (p === null) return "too few rounds";
  return significant ? (relative < 0 ? "faster" : "slower") : "noise";
}
