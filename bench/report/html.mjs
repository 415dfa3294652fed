// A result as one self-contained HTML file: its tables, and charts by Chart.js, which is included.

import { readFile } from "node:fs/promises";
import { chartsOf } from "./charts.mjs";
import { machineLine, tablesOf } from "./tables.mjs";

/** Chart.js as a plain script, which isn't among the package's exports. */
const CHART_JS = new URL("../node_modules/chart.js/dist/chart.umd.min.js", import.meta.url);

/** The page. */
export async function htmlOf(result) {
  const [library, script, style] = await Promise.all([
    readFile(CHART_JS, "utf8"),
    ...["page.js", "style.css"].map((file) => readFile(new URL(file, import.meta.url), "utf8")),
  ]);
  const charts = chartsOf(result);
  const failures = result.failures.map(
    ({ subject, what, reason }) => `<li>${escape(subject)}: ${escape(what)}: ${escape(reason)}</li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tabsense benchmark, ${escape(result.date.slice(0, 10))}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
<h1>Tabsense benchmark</h1>
<p>${escape(machineLine(result))}</p>
</header>
<main>
${failures.length > 0 ? `<section class="failed" role="alert"><h2>This run failed</h2><ul>${failures.join("")}</ul></section>` : ""}
<div class="charts">
${charts.map(({ title, note, wide }, index) => `<figure${wide ? ' class="wide"' : ""}><figcaption><h2>${escape(title)}</h2><p>${escape(note)}</p></figcaption><div class="canvas"><canvas id="chart-${index}" role="img" aria-label="${escape(title)}; its numbers are in the tables below"></canvas></div></figure>`).join("\n")}
</div>
${tablesOf(result).map(tableSection).join("\n")}
</main>
<script id="charts" type="application/json">${json(charts)}</script>
<script id="result" type="application/json">${json(result)}</script>
<script>${library.replaceAll("</script", "<\\/script")}</script>
<script>${script}</script>
</body>
</html>
`;
}

function tableSection({ title, note, head, rows }) {
  const cells = (row, tag) =>
    row
      .map((cell, column) =>
        column === 0 ? `<th scope="row">${escape(cell)}</th>` : `<${tag}>${escape(cell)}</${tag}>`,
      )
      .join("");
  return `<section><h2>${escape(title)}</h2>${note ? `<p>${escape(note)}</p>` : ""}<div class="table"><table>
<thead><tr>${head.map((cell) => (cell ? `<th scope="col">${escape(cell)}</th>` : "<td></td>")).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n")}</tbody>
</table></div></section>`;
}

function json(value) {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function escape(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
