// Tables as Markdown, padded so that they read well on a terminal too.

import { machineLine, tablesOf } from "./tables.mjs";

/** The whole result, below a title. */
export function markdownOf(result, title = `Benchmark ${result.name}`) {
  return `# ${title}\n\n${machineLine(result)}.\n\n${tablesOf(result).map(section).join("\n\n")}\n`;
}

/** One table with its heading and note. */
export function section(table) {
  return [`## ${table.title}`, ...(table.note ? [table.note] : []), markdownTable(table)].join("\n\n");
}

/** The table itself. */
export function markdownTable({ head, rows }) {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const isText = head.map(
    (_, column) => column === 0 || rows.every((row) => !/^[-+]?[\d–]/.test(row[column])),
  );
  const line = (row) =>
    `| ${row.map((cell, column) => (isText[column] ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (isText[column] ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join("\n");
}
