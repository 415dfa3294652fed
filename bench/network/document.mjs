// What a measured plan says, as docs/benchmarks-network.md and in the README: no number is written by hand.

import { bytes, ms, times } from "../report/format.mjs";
import { markdownTable } from "../report/markdown.mjs";
import { machineLine } from "../report/tables.mjs";

/** Where a kept result is, and the page that is made from it. */
export const KEPT = "bench/network/baseline.json";
export const PAGE = "docs/benchmarks-network.md";

/** The markers between which the README's table stands. */
export const [START, END] = ["<!-- network:start -->", "<!-- network:end -->"];

/** The table of all rates; `details` adds what was transferred. */
export function networkTable({ rows, plan }, details) {
  const [own, ...others] = plan.libraries;
  const head = [
    "line",
    ...plan.libraries.map((library) => `${library}: first label`),
    ...others.map((library) => `${library} ÷ ${own}`),
    ...(details ? plan.libraries.map((library) => `${library}: transfer alone`) : []),
    ...plan.libraries.map((library) => `${library}: p50`),
  ];
  return markdownTable({
    head,
    rows: rows.map(({ rate, libraries }) => [
      rate === 0 ? "this machine" : `${rate} Mbit/s`,
      ...libraries.map(
        ({ firstLabel, range }) =>
          seconds(firstLabel) + (details ? ` (${range.map(seconds).join(" to ")})` : ""),
      ),
      ...libraries.slice(1).map(({ firstLabel }) => times(firstLabel / libraries[0].firstLabel)),
      ...(details ? libraries.map(({ transfer }) => (transfer === null ? "–" : seconds(transfer))) : []),
      ...libraries.map(({ p50 }) => `${ms(p50)} ms`),
    ]),
  });
}

/** What a visitor transfers for each library. */
function bytesTable({ rows }) {
  return markdownTable({
    head: ["", "code, in brotli", "model, as it is", "together"],
    rows: rows[0].libraries.map(({ library, bytes: { code, model } }) => [
      library,
      ...[code, model, code + model].map(bytes),
    ]),
  });
}

/** The page of the documentation. */
export function networkPage(result) {
  const { plan, agreement, system } = result;
  return `<!-- Made by \`npm run bench:network -- --keep\`: change that, not this. -->

# Benchmarks: the start of a page, beside transformers.js

Both libraries load the same file, \`${plan.model.name}\` in ${plan.dtype}, with the same program, of which the import differs. A time is from the navigation of a page
to the first label of a text: the page, the library's code, its WebAssembly, the model. All answers of the server share a line of the rate in the table; code comes
in brotli (quality 11), the model's files as they are; nobody waits for round trips. Each start has a fresh browser, and both take turns; medians of ${plan.starts}, in brackets the
shortest and the longest. The page has one thread. \`p50\` is the median time of one of ${plan.requests} texts after that.

${machineLine(result)}; @huggingface/transformers ${system.packages["@huggingface/transformers"] ?? "–"}.

${networkTable(result, true)}

${bytesTable(result)}

Both give the same label to ${agreement.equal} of ${agreement.of} texts. Repeat it with \`npm run bench:network\`; \`bench/network.toml\` is the plan.
`;
}

/** The README's part. */
export function networkPart(result) {
  const { plan } = result;
  return `${networkTable(result, false)}

From the navigation of a page to the first label, with the same file (\`${plan.model.name}\` in ${plan.dtype}), in a fresh browser, at the rate of all answers together; then milliseconds
a text. More in [${PAGE}](${PAGE}).`;
}

/** The README with its part brought up to date; as it is where it has no markers. */
export function withNetworkPart(readme, result) {
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start < 0 || end < start) return readme;
  return `${readme.slice(0, start + START.length)}\n${networkPart(result)}\n${readme.slice(end)}`;
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}
