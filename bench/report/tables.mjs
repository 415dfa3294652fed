// A result as tables of text, `{ title, note, head, rows }` each, for the terminal,
// Markdown and the HTML page.

import { VISIT } from "../visit/cases.mjs";
import { adapterName, bytes, count, ms, percent, times, tiny } from "./format.mjs";
import { visitorTable, visitsTable } from "./visitor.mjs";

/** All tables of a result that have rows. */
export function tablesOf(result) {
  return [
    visitorTable(result),
    visitsTable(result),
    ...result.models.flatMap((model) => [
      latencyTable(result, model),
      ratioTable(result, model),
      throughputTable(result, model),
    ]),
    coldTable(result),
    bytesTable(result),
    memoryTable(result),
    checksTable(result),
    sweepsTable(result),
    skippedTable(result),
    adaptersTable(result),
    systemTable(result),
  ].filter(({ rows }) => rows.length > 0);
}

/** The cases of a model, except those of sweeps and visits. */
export function plainCases(result, model) {
  return result.cases.filter(
    (one) => one.model === model && !one.workload.startsWith("sweep ") && one.workload !== VISIT,
  );
}

/** The display name of a case. */
export function caseName({ id, workload, group, tokens, batch }) {
  if (group !== null) return `${workload}, ${String(group).replaceAll("_", " ")}`;
  if (!id.includes("/")) return id;
  const mixed = /\/(\d+)-(\d+)x\d+$/.exec(id);
  if (mixed) return `${batch} texts of ${mixed[1]} to ${mixed[2]} tokens`;
  return batch === 1 ? `${tokens} tokens` : `${batch} × ${tokens} tokens`;
}

/** A subject's name without its model, for tables whose title names the model. */
export function shortName(id) {
  return id.split("@")[0];
}

/** The line that accompanies all numbers: the machine, the versions, the date and the commit. */
export function machineLine({ system, date, adapters }) {
  const { processor, cores, memory, os, browser, node } = system;
  const gpus = adapterNames({ adapters })
    .map((name) => `; WebGPU on ${name}`)
    .join("");
  return `${processor}, ${cores} cores, ${Math.round(memory / 2 ** 30)} GiB, ${os}; ${browser}${gpus}, Node ${node}; ${date.slice(0, 10)}, commit ${system.commit ?? "unknown"}${system.dirty ? " with changes" : ""}`;
}

/** The adapters that the WebGPU subjects ran on, each once; results from before these subjects have none. */
export function adapterNames({ adapters = [] }) {
  return [...new Set(adapters.map(adapterName))];
}

/**
 * The Tabsense subject with which another implementation is compared: in the browser, with the same model and
 * kind of weights and, if possible, on the same device and number of threads.
 */
export function counterpart(result, other) {
  const own = result.subjects.filter(
    ({ own, model, host }) => own && model === other.model && host === "browser",
  );
  const alike = own.filter(({ device }) => device === other.device);
  const candidates = alike.length > 0 ? alike : own;
  const dtype = other.dtype === "fp32" ? "fp32" : "int8";
  const ofDtype = candidates.filter((subject) => subject.dtype === dtype);
  return ofDtype.find(({ threads }) => threads === other.threads) ?? ofDtype[0] ?? candidates[0] ?? null;
}

function latencyTable(result, { name }) {
  const cases = plainCases(result, name);
  const rows = subjectsOf(result, name).map(({ id }) => [
    shortName(id),
    ...cases.map((one) => {
      const found = latency(result, id, one);
      return found ? `${ms(found.p50)} (${ms(found.p95)})` : "–";
    }),
  ]);
  return {
    title: `Latency, ${name}`,
    note: "Milliseconds from text to scores: the median, with the 95th percentile in brackets.",
    head: ["", ...cases.map(caseName)],
    rows: cases.length > 0 ? rows : [],
  };
}

function ratioTable(result, { name }) {
  const cases = plainCases(result, name);
  const rows = subjectsOf(result, name)
    .filter(({ own }) => !own)
    .flatMap((other) => {
      const own = counterpart(result, other);
      if (!own) return [];
      return [
        [
          shortName(other.id),
          shortName(own.id),
          ...cases.map((one) => {
            const found = result.ratios.find(
              (row) => row.own === own.id && row.other === other.id && row.case === one.id,
            );
            return found ? `${times(found.median)} (${found.low.toFixed(2)}–${found.high.toFixed(2)})` : "–";
          }),
        ],
      ];
    });
  return {
    title: `Times as long as Tabsense, ${name}`,
    note: "The median of the rounds, with the 10th to 90th percentile in brackets. Above 1, Tabsense is faster.",
    head: ["", "against", ...cases.map(caseName)],
    rows,
  };
}

function throughputTable(result, { name }) {
  const cases = plainCases(result, name);
  const rows = subjectsOf(result, name).map(({ id }) => [
    shortName(id),
    ...cases.map((one) => {
      const found = latency(result, id, one);
      return found ? `${count(found.requestsPerSecond)} / ${count(found.tokensPerSecond)}` : "–";
    }),
  ]);
  return {
    title: `Throughput, ${name}`,
    note: "Requests / tokens per second.",
    head: ["", ...cases.map(caseName)],
    rows: cases.length > 0 ? rows : [],
  };
}

function coldTable({ cold }) {
  const rows = cold.map(({ subject, stages: { download, compile, weights, first, total } }) => [
    subject,
    ...[download, compile, weights, first, total].map(ms),
  ]);
  return {
    title: "Cold start",
    note: "Milliseconds in a fresh browser or process, with files from this machine: download of the runtime, its compilation, the weights and everything else until it is ready, and the first answer. Each is a median, so they need not add up.",
    head: ["", "download", "compile", "weights", "first answer", "total"],
    rows,
  };
}

function bytesTable(result) {
  const rows = result.bytes.map(({ subject, runtime, model }) => [
    subject,
    ...[runtime, model].flatMap((part) => [part.raw, part.gzip, part.brotli].map(bytes)),
  ]);
  return {
    title: "Transfer",
    note: "What a page downloads. The runtime is compressed at the highest level (gzip 9, brotli 11), the model as a server does it on the fly (gzip 6, brotli 4).",
    head: ["", "runtime", "gzip", "brotli", "model", "gzip", "brotli"],
    rows,
  };
}

function memoryTable(result) {
  const rows = result.cold
    .filter(({ memory }) => memory)
    .map(({ subject, memory }) => [subject, bytes(memory.wasm), bytes(memory.heap), bytes(memory.peak)]);
  return {
    title: "Memory",
    note: "Up to the first answer: the wasm memory, the page's JavaScript heap, and the peak of the whole process (about 100 MB for an empty page).",
    head: ["", "wasm", "page's heap", "process, peak"],
    rows,
  };
}

function checksTable(result) {
  const rows = result.checks.map(
    ({ subject, set, against, texts, accuracy, agreement, mean, largest, passed }) => [
      subject,
      against ? `${set}, against ${shortName(against)}` : set,
      String(texts),
      percent(accuracy),
      percent(agreement),
      tiny(mean),
      tiny(largest),
      passed ? "ok" : "WRONG",
    ],
  );
  const others = result.checks.some(({ against }) => against)
    ? " Where a subject is named, it replaces PyTorch as the reference."
    : "";
  return {
    title: "Correctness",
    note: `Accuracy on labelled texts, agreement with PyTorch's labels, and the mean and largest difference of a probability from PyTorch's.${others}`,
    head: ["", "set", "texts", "accuracy", "agreement", "mean difference", "largest", ""],
    rows,
  };
}

function sweepsTable(result) {
  const rows = result.sweeps.map(({ sweep, subject, unit, slope, intercept, r2, predictedSlope, points }) => {
    const deviating = points.filter(({ leaves }) => leaves).map(({ x }) => count(x));
    return [
      sweep,
      subject,
      `${ms(slope)} ms per ${unit}`,
      ms(intercept),
      r2.toFixed(3),
      predictedSlope === null ? "–" : `${ms(predictedSlope)} ms`,
      predictedSlope === null ? "–" : deviating.length > 0 ? `at ${deviating.join(", ")}` : "nowhere",
    ];
  });
  return {
    title: "Cost as work grows",
    note: "The least-squares line through the medians, the slope that the arithmetic predicts at the kernels' rates, and where a measured point deviates from that prediction.",
    head: ["sweep", "", "slope", "at zero, ms", "R²", "predicted", "deviates"],
    rows,
  };
}

function skippedTable({ skipped }) {
  return {
    title: "Not measured",
    note: "",
    head: ["", "why"],
    rows: skipped.map(({ id, reason }) => [id, reason]),
  };
}

function adaptersTable({ adapters = [] }) {
  const rows = adapters.map(({ subject, name, software }) => [
    subject,
    name,
    software ? "software, on the processor" : "graphics card",
  ]);
  return {
    title: "WebGPU adapters",
    note: "The adapter of each subject on WebGPU, as it reports it.",
    head: ["", "adapter", "kind"],
    rows,
  };
}

function systemTable({ system, name, date, quick }) {
  const rows = [
    ["configuration", `${name}${quick ? ", quick" : ""}`],
    ["date", date],
    ["commit", `${system.commit ?? "unknown"}${system.dirty ? ", with changes" : ""}`],
    ["processor", system.processor],
    ...(typeof system.avxVnni === "boolean" ? [["AVX-VNNI", system.avxVnni ? "yes" : "no"]] : []),
    ["cores", String(system.cores)],
    ["memory", `${Math.round(system.memory / 2 ** 30)} GiB`],
    ["system", system.os],
    ["browser", system.browser],
    ["WebGPU adapter", system.webgpu ?? "none"],
    ["Node", system.node],
    ["Tabsense's build", system.variants.join(", ") || "–"],
    ...Object.entries(system.packages),
  ];
  return { title: "Machine and versions", note: "", head: ["", ""], rows };
}

function subjectsOf(result, model) {
  return result.subjects.filter(
    (subject) => subject.model === model && result.latencies.some((row) => row.subject === subject.id),
  );
}

function latency(result, subject, { id }) {
  return result.latencies.find((row) => row.subject === subject && row.case === id);
}
