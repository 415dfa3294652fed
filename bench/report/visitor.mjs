// Tables of what a visitor experiences with Tabsense and with the peer, and the shares
// that this project aims for.

import { FIRST_CALL, laterCalls, labelCase, VISIT } from "../visit/cases.mjs";
import { bytes, ms } from "./format.mjs";
import { caseName, plainCases, shortName } from "./tables.mjs";

/** The table of shares: `{ title, note, head, rows }`, without rows if a run has no visits. */
export function visitorTable(result) {
  const plan = result.config?.visitor;
  const subjects = subjectsOf(result);
  const rows = plan ? rowsOf(result, plan).map((row) => cellsOf(result, plan, row)) : [];
  return {
    title: "Times for a visitor",
    note: plan ? noteOf(result, plan) : "",
    head: ["", ...subjects.map(shortName), ...(subjects.length > 1 ? ["share", "target (max)"] : [])],
    rows: subjects.length > 0 ? rows.filter(([, own]) => own !== "–") : [],
  };
}

/** What the visits transferred, and the shortest and longest times to the first label. */
export function visitsTable(result) {
  const lines = result.config?.visitor?.lines ?? [];
  const rows = (result.visits ?? []).map(({ rate, subject, bytes: { code, model }, transfer }) => {
    const found = latency(result, subject, labelCase({ rate }));
    return [
      rate === 0 ? "this machine" : `${rate} Mbit/s`,
      shortName(subject),
      seconds(found.p50),
      seconds(found.min),
      seconds(found.max),
      transfer === null ? "–" : seconds(transfer),
      ...[code, model, code + model].map(bytes),
    ];
  });
  return {
    title: "Starts on slow connections",
    note: `The median, shortest and longest time to the first label; the time of the transfer alone at the connection's rate${lines.some(({ round_trip }) => round_trip > 0) ? ", without round trips" : ""}; and the bytes that were transferred, as a CDN sends them: code and JSON in brotli, weights as they are.`,
    head: ["connection", "", "first label", "shortest", "longest", "transfer only", "code", "model", "total"],
    rows,
  };
}

/**
 * What a newcomer compares: bytes, the start on the first line, the latency of a
 * medium text, and the formats.
 */
export function summaryTable(result) {
  const { visitor: plan } = result.config;
  const [line] = plan.lines;
  const single = plainCases(result, plan.own.split("@")[1]).filter(
    ({ batch, workload }) => batch === 1 && workload === "tokens",
  );
  const warm = single[single.length >> 1];
  const row = (name, cell) => [name, ...[plan.own, plan.peer].map(cell)];
  const sent = (subject) =>
    result.visits.find((visit) => visit.subject === subject && visit.rate === line.rate).bytes;
  const p50 = (subject, id) => latency(result, subject, id).p50;
  return {
    head: ["", "Tabsense", "transformers.js"],
    rows: [
      row("download: library + model", (id) => `${bytes(sent(id).code)} + ${bytes(sent(id).model)}`),
      row(`first label at ${line.rate} Mbit/s`, (id) => seconds(p50(id, labelCase(line)))),
      row(`${caseName(warm)}, one thread, p50`, (id) => `${ms(p50(id, warm.id))} ms`),
      ["runs", "safetensors, ONNX, PyTorch weights", "ONNX exports"],
    ],
  };
}

/** Explains the table's numbers in a few sentences. */
function noteOf(result, { lines, starts, tokens, own }) {
  const trips = [...new Set(lines.map(({ round_trip }) => round_trip).filter(Boolean))];
  const model = own.split("@")[1];
  return `${model}, one thread. A page with the library, its WebAssembly and its model, from the navigation to the first label, in a fresh browser each time, at a rate that all responses share${trips.length > 0 ? `, with a round trip of ${trips.join(" or ")} ms before each` : ""}: medians of ${starts} starts, alternating between the two. The first call and the later ones have ${tokens} tokens and are measured in the same pages; the other times are from warmed-up pages.${aimNote(result)}`;
}

function aimNote({ system: { avxVnni } }) {
  if (avxVnni === undefined || avxVnni === null) return "";
  return ` The processor has ${avxVnni ? "" : "no "}AVX-VNNI.`;
}

/** The rows of the table: `{ name, id, aim }`, each for a case of the result. */
function rowsOf(result, plan) {
  const model = plan.own.split("@")[1];
  const { aims } = plan;
  const warm = plainCases(result, model).filter(({ workload }) => Object.hasOwn(aims, workload));
  return [
    ...plan.lines.map((line) => ({ name: lineName(line), id: labelCase(line), aim: line.aim })),
    ...warm.map((one) => ({ name: `${caseName(one)}, p50`, id: one.id, aim: aims[one.workload] })),
    {
      name: `first call after loading, ${plan.tokens} tokens`,
      id: FIRST_CALL,
      aim: aims.first_call,
    },
    {
      name: `calls 2 to ${plan.calls}, ${plan.tokens} tokens`,
      id: laterCalls(plan),
      aim: aims.later_calls,
    },
  ];
}

function lineName({ rate, round_trip }) {
  if (rate === 0) return "page to first label, from this machine";
  return `page to first label at ${rate} Mbit/s${round_trip > 0 ? `, ${round_trip} ms round trip` : ""}`;
}

function cellsOf(result, { own, peer }, { name, id, aim }) {
  const [ours, theirs] = [own, peer].map((subject) => latency(result, subject, id)?.p50 ?? null);
  const cell = (value) =>
    value === null ? "–" : id.startsWith(`${VISIT}/first label`) ? seconds(value) : `${ms(value)} ms`;
  const share = ours !== null && theirs !== null ? (ours / theirs).toFixed(2) : "–";
  return subjectsOf(result).length > 1
    ? [name, cell(ours), cell(theirs), share, aimText(result, aim)]
    : [name, cell(ours)];
}

/** An aim; of two, the one for this processor: the first with AVX-VNNI, the second without. */
function aimText({ system: { avxVnni } }, aim) {
  if (aim === undefined) return "–";
  return (Array.isArray(aim) ? aim[avxVnni === false ? 1 : 0] : aim).toFixed(2);
}

/** The plan's subjects that were measured. */
function subjectsOf({ config, subjects }) {
  const { own, peer } = config?.visitor ?? {};
  return [own, peer].filter((id) => id && subjects.some((subject) => subject.id === id));
}

function latency(result, subject, id) {
  return result.latencies.find((row) => row.subject === subject && row.case === id);
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}
