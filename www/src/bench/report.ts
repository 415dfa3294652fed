/** A run as a report to share: Markdown for people, JSON for programs. */

import { percent } from "../format.ts";
import { WARM_UP_ROUNDS, type Sample } from "./measure.ts";
import { STAGES, type Results, type Row } from "./results.ts";
import { facts, type ModelFacts, type System } from "./system.ts";
import { columns } from "./table.ts";

/** The content of a report. */
export interface Report {
  system: System;
  model: ModelFacts;
  date: Date;
  rounds: number;
  /** Whether the run finished. */
  complete: boolean;
  results: Results;
}

/** How the figures were measured, in sentences, for the page and the report. */
export function method({
  rounds,
  complete,
  results,
}: Pick<Report, "rounds" | "complete" | "results">): string {
  const sentences = [
    `${WARM_UP_ROUNDS} warm-up rounds, which are not counted, then ${rounds} rounds over all lengths, in alternating order.`,
    "One text at a time, with details, through the page’s worker; a latency is the whole call as the page sees it.",
  ];
  if (results.repeated > 0)
    sentences.push(`Calls repeated because the page was in use: ${results.repeated}.`);
  if (!complete) sentences.push("The run was stopped early.");
  return sentences.join(" ");
}

/** The report as Markdown. */
export function markdown(report: Report): string {
  const { results, system, model, date } = report;
  const rows = results.rows();
  const shown = columns(results.devices);
  const stageNames = ["tokenize", "forward", "messages"];
  const several = results.devices.length > 1;
  const rowNames = (row: Row): string[] =>
    several ? [row.device, String(row.tokens)] : [String(row.tokens)];
  const parts = [
    "# Tabsense on this machine",
    method(report),
    "## System",
    table(
      ["", ""],
      [
        ...facts(system, model, date),
        ["devices", results.devices.join(", ")],
        ["user agent", system.userAgent],
      ],
      "left",
    ),
    "## Latency in milliseconds",
    table(
      shown.map(({ head }) => head),
      rows.map((row) => shown.map(({ cell }) => cell(row))),
      "right",
    ),
    "## Stages, shares of the mean",
    table(
      [...(several ? ["device"] : []), "tokens", ...stageNames],
      rows.map((row) => [...rowNames(row), ...shares(row)]),
      "right",
    ),
  ];
  const crossings = results.crossings();
  if (crossings.length > 0) {
    parts.push(
      crossings
        .map(
          ({ devices, x }) => `${devices.join(" and ")} are equally fast at about ${Math.round(x)} tokens.`,
        )
        .join("\n"),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

function shares({ stages, latency }: Row): string[] {
  return STAGES.map((stage) => percent(stages[stage] / (latency.mean || 1)));
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: "left" | "right",
): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => (align === "right" ? "---:" : ":---"))), ...rows.map(line)].join(
    "\n",
  );
}

/** The report as JSON, with every sample. */
export function json(report: Report): string {
  const { system, model, date, rounds, complete, results } = report;
  const samples = (row: Row): readonly Sample[] => results.samples(row.device, row.tokens);
  return `${JSON.stringify(
    {
      format: 1,
      date: date.toISOString(),
      system,
      model,
      settings: { warmUpRounds: WARM_UP_ROUNDS, rounds, lengths: results.lengths, devices: results.devices },
      complete,
      repeated: results.repeated,
      crossings: results.crossings(),
      results: results.rows().map((row) => ({ ...row, samples: samples(row) })),
    },
    null,
    2,
  )}\n`;
}
