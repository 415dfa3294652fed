// A result's times as CSV: a line for each subject and case, with their properties.

import { stringify } from "csv-stringify/sync";
import { adapterName } from "./format.mjs";

const COLUMNS = [
  "subject",
  "implementation",
  "host",
  "device",
  "adapter",
  "dtype",
  "threads",
  "model",
  "case",
  "workload",
  "group",
  "tokens",
  "batch",
  "count",
  "p50",
  "p95",
  "p99",
  "mean",
  "sd",
  "min",
  "max",
  "requestsPerSecond",
  "textsPerSecond",
  "tokensPerSecond",
  "processor",
  "browser",
  "commit",
  "date",
];

/** The table, with a header line. */
export function csvOf(result) {
  const {
    system: { processor, browser, commit },
    date,
  } = result;
  const rows = result.latencies.map((latency) => {
    const subject = result.subjects.find(({ id }) => id === latency.subject);
    const one = result.cases.find(({ id, model }) => id === latency.case && model === subject.model);
    const adapter = result.adapters.find((row) => row.subject === subject.id);
    return {
      ...subject,
      ...one,
      ...latency,
      adapter: adapter && adapterName(adapter),
      processor,
      browser,
      commit,
      date,
    };
  });
  return stringify(rows, { header: true, columns: COLUMNS });
}
