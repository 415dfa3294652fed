// Reads a configuration and turns it into a plan of subjects, workloads and sweeps.

import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { Failure } from "../scripts/run.mjs";
import { IMPLEMENTATIONS } from "./implementations/index.mjs";

const ORDERS = ["rotated", "shuffled", "fixed"];
const SWEPT = ["tokens", "batch", "model", "threads"];
const TOP_LEVEL = [
  "name",
  "seed",
  "run",
  "models",
  "data",
  "subjects",
  "workloads",
  "sweeps",
  "checks",
  "prediction",
];
const KEYS = {
  run: ["order", "settle", "warm_up", "turn_ms", "request_s", "cold_starts", "memory"],
  models: ["int8", "int4", "fp32", "onnx", "random", "tokenizer", "goldens", "cold_starts"],
  data: ["path", "group", "labels"],
  subjects: ["enabled", "implementation", "dtypes", "threads", "models"],
  workloads: [
    "name",
    "tokens",
    "mixed",
    "batch",
    "data",
    "models",
    "implementations",
    "subjects",
    "rounds",
    "iterations",
  ],
  sweeps: ["name", "over", "values", "tokens", "batch", "models", "implementations", "rounds", "iterations"],
  checks: ["sets", "limit", "made_up", "tie", "fp32", "fp16", "int8", "int4"],
  prediction: ["fp32", "int8", "int4", "leaves"],
  visitor: ["own", "peer", "lines", "starts", "tokens", "calls", "start_s", "aims"],
};

/**
 * Reads the file at `path`. `only` keeps the subjects whose ids contain one of its strings; `quick`
 * measures less of everything.
 */
export function readConfig(path, { only = [], quick = false } = {}) {
  const config = parse(readFileSync(path, "utf8"));
  checkKeys(config, path);
  if (quick) shorten(config);
  const subjects = config.subjects.flatMap((table) =>
    table.enabled === false ? [] : expand(table, config.models),
  );
  const kept =
    only.length === 0 ? subjects : subjects.filter(({ id }) => only.some((part) => id.includes(part)));
  if (kept.length === 0)
    throw new Failure(
      `No subject is left to measure. The subjects of ${path} are:\n  ${subjects.map(({ id }) => id).join("\n  ")}`,
    );
  for (const { id, dtype } of kept)
    if (!config.checks[boundsKey(dtype)])
      throw new Failure(`${path}: checks has no bounds for ${boundsKey(dtype)}, which ${id} needs.`);
  return { ...config, quick, subjects: kept, visitor: visitorOf(config, path, subjects, kept) };
}

/** The plan for a visitor's page, with the subjects that are kept; null if Tabsense's isn't among them. */
function visitorOf({ visitor, workloads }, path, subjects, kept) {
  if (!visitor) return null;
  const { own, peer = null, lines, aims = {} } = visitor;
  for (const id of [own, peer].filter(Boolean)) {
    const { host, implementation } = subjects.find((subject) => subject.id === id) ?? {};
    if (host !== "browser" || IMPLEMENTATIONS[implementation].needsIds)
      throw new Failure(`${path}: visitor names ${id}, which is not a browser subject that reads texts.`);
  }
  if (peer && peer.split("@")[1] !== own.split("@")[1])
    throw new Failure(`${path}: visitor names subjects of two models: ${own}, ${peer}.`);
  for (const { rate, round_trip } of lines)
    if (!(rate >= 0 && round_trip >= 0))
      throw new Failure(`${path}: a line of visitor needs rate and round_trip, numbers of 0 or more.`);
  const known = ["first_call", "later_calls", ...workloads.map(({ name }) => name)];
  for (const name of Object.keys(aims))
    if (!known.includes(name))
      throw new Failure(`${path}: visitor has an aim for ${name}. It can have: ${known.join(", ")}.`);
  const has = (id) => kept.some((subject) => subject.id === id);
  return has(own) ? { ...visitor, aims, peer: has(peer) ? peer : null } : null;
}

/** Which bounds in `checks` apply to the answers of a dtype; "default" is int8. */
export function boundsKey(dtype) {
  return dtype === "default" ? "int8" : dtype;
}

/** The id of a subject, which all tables use. */
export function subjectId({ implementation, dtype, threads, model }) {
  return `${implementation}-${dtype}${threads > 1 ? `-${threads}t` : ""}@${model}`;
}

function expand({ implementation, dtypes, threads = [1], models }, known) {
  const entry = IMPLEMENTATIONS[implementation];
  if (!entry)
    throw new Failure(
      `There is no implementation ${implementation}. There are: ${Object.keys(IMPLEMENTATIONS).join(", ")}.`,
    );
  return models.flatMap((model) =>
    dtypes.flatMap((dtype) =>
      threads.map((count) => {
        if (!known[model])
          throw new Failure(`The configuration has no [models.${model}], which ${implementation} needs.`);
        if (!entry.dtypes.includes(dtype))
          throw new Failure(`${implementation} has no dtype ${dtype}. It has: ${entry.dtypes.join(", ")}.`);
        if (!Number.isInteger(count) || count < 1 || count > entry.maxThreads)
          throw new Failure(`${implementation} runs on 1 to ${entry.maxThreads} threads, not on ${count}.`);
        const subject = { implementation, dtype, threads: count, model };
        return {
          id: subjectId(subject),
          ...subject,
          host: entry.host,
          device: entry.device,
          own: entry.own === true,
        };
      }),
    ),
  );
}

/**
 * Shortens a run to a minute or two: the first model on one thread, fewer rounds and
 * texts, no sweeps, no Python.
 */
function shorten(config) {
  const [model] = Object.keys(config.models);
  config.run.cold_starts = Math.min(1, config.run.cold_starts);
  for (const model of Object.values(config.models)) delete model.cold_starts;
  config.checks.limit = Math.min(100, config.checks.limit);
  if (config.visitor) config.visitor.starts = Math.min(1, config.visitor.starts);
  config.workloads = config.workloads.map((workload) => ({
    ...workload,
    rounds: Math.min(workload.data ? 2 : 4, workload.rounds),
    iterations: Math.min(3, workload.iterations),
  }));
  config.sweeps = [];
  config.subjects = config.subjects
    .filter(
      ({ implementation, models }) =>
        IMPLEMENTATIONS[implementation]?.host !== "python" && models.includes(model),
    )
    .map((table) => ({ ...table, models: [model], threads: [1] }));
}

function checkKeys(config, path) {
  const wrong = (where, key, keys) =>
    new Failure(`${path}: ${where} has no key ${key}. It has: ${keys.join(", ")}.`);
  for (const key of TOP_LEVEL)
    if (config[key] === undefined) throw new Failure(`${path}: ${key} is missing.`);
  const all = [...TOP_LEVEL, "visitor"];
  for (const key of Object.keys(config)) if (!all.includes(key)) throw wrong("the file", key, all);
  for (const [section, keys] of Object.entries(KEYS)) {
    if (!config[section]) continue;
    const tables =
      section === "models" || section === "data" ? Object.values(config[section]) : [config[section]].flat();
    for (const table of tables)
      for (const key of Object.keys(table))
        if (!keys.includes(key)) throw wrong(`a table of ${section}`, key, keys);
  }
  if (!(config.run.request_s > 0))
    throw new Failure(
      `${path}: request_s, the seconds that a request may take, is missing or is not a number above 0.`,
    );
  if (!ORDERS.includes(config.run.order))
    throw new Failure(`${path}: order must be one of ${ORDERS.join(", ")}, not ${config.run.order}.`);
  for (const { over } of config.sweeps)
    if (!SWEPT.includes(over))
      throw new Failure(`${path}: a sweep goes over one of ${SWEPT.join(", ")}, not ${over}.`);
}
