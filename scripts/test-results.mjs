// The results of tests: `{ passed, failed, skipped, reports }`; `reports` are texts about what failed, if anything
// did.

import { run } from "./run.mjs";

/** The maximum number of lines of a report; the first ones name the tests that failed. */
const REPORT_LINES = 50;
/** How many lines to report of a program that failed without naming a test. */
const LAST_LINES = 25;

/**
 * Runs a program and counts its tests from its output, by `count`. `show`: whether the output is shown as it
 * arrives, or at the end.
 */
export async function counted(name, [program, ...args], { env, count, show = true }) {
  let text = "";
  const code = await run(program, args, { env, show, onText: (piece) => void (text += piece) });
  if (!show) process.stdout.write(text);
  return resultOf(name, { code, text, count });
}

/** The result of a program that ended; a failure that only shows in its exit code counts as one. */
export function resultOf(name, { code, text, count }) {
  const plain = text.replace(/\x1b\[[0-9;]*m/g, "");
  const result = count(plain);
  if (code !== 0 && result.failed === 0) result.failed = 1;
  return { ...result, reports: result.failed > 0 ? [`${name}:\n${reportOf(plain)}`] : [] };
}

/** What an output says of its failures: the runner's own list of them, or else the last lines. */
export function reportOf(text) {
  const start = text.search(/^(✖ failing tests:|failures:)$/m);
  const lines = text.slice(Math.max(start, 0)).trim().split("\n");
  if (start < 0) return lines.slice(-LAST_LINES).join("\n");
  const rest = lines.length - REPORT_LINES;
  return [...lines.slice(0, REPORT_LINES), ...(rest > 0 ? [`… and ${rest} more lines`] : [])].join("\n");
}

/** Counts the tests of `cargo test` and `wasm-pack test`. */
export function countRust(text) {
  const all = [...text.matchAll(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm)];
  return sum(
    ...all.map(([, passed, failed, skipped]) => ({
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(skipped),
    })),
  );
}

/** Counts the tests of Node's reporter `spec`. */
export function countNode(text) {
  const last = (word) => Number([...text.matchAll(new RegExp(`^ℹ ${word} (\\d+)`, "gm"))].at(-1)?.[1] ?? 0);
  return {
    passed: last("pass"),
    failed: last("fail") + last("cancelled"),
    skipped: last("skipped") + last("todo"),
  };
}

/** A run in which no test ran has failed. */
export function failedIfEmpty(name, result) {
  if (result.passed + result.failed > 0) return result;
  const report = `${name}: no test ran, which counts as a failure`;
  console.log(report);
  return { ...result, failed: 1, reports: [report] };
}

/** The result of a check by its program's exit code. */
export function check(name, code) {
  const text = `${name}: ${code === 0 ? "ok" : "FAILED"}`;
  console.log(text);
  return {
    passed: Number(code === 0),
    failed: Number(code !== 0),
    skipped: 0,
    reports: code === 0 ? [] : [`${text} (see above)`],
  };
}

export function sum(...results) {
  return results.reduce(
    (all, { passed, failed, skipped, reports = [] }) => ({
      passed: all.passed + passed,
      failed: all.failed + failed,
      skipped: all.skipped + skipped,
      reports: [...all.reports, ...reports],
    }),
    { passed: 0, failed: 0, skipped: 0, reports: [] },
  );
}

export function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
