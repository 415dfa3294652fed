// Runs a plan and returns its result. Whatever can't be measured here is skipped, with the reason in the
// result and on the terminal.

import { Failure } from "../scripts/run.mjs";
import { IMPLEMENTATIONS } from "./implementations/index.mjs";
import { analyse } from "./analyse.mjs";
import { casesOf, madeUp, sweepCases } from "./cases.mjs";
import { boundsKey } from "./config.mjs";
import { createHosts, loadRequest } from "./hosts/index.mjs";
import { startServer } from "./hosts/browser.mjs";
import { transferred } from "./measure/bytes.mjs";
import { answersOf, compareAnswers, softmax, spaced, truthOf } from "./measure/check.mjs";
import { coldStarts } from "./measure/cold.mjs";
import { timeCases } from "./measure/latency.mjs";
import { measureVisits } from "./visit/visits.mjs";
import { dataSet, goldensOf, openModel, weightsOf } from "./models.mjs";
import { systemInfo } from "./system.mjs";
import { tokenizerOf } from "./tokenize.mjs";

/** The version of the result files' format, raised by changes that older readers can't read. */
export const SCHEMA = 1;

/** The name of the texts for models without goldens, and their length. */
const MADE_UP = "made-up texts";
const CHECKED_TOKENS = 32;

/** Measures everything in `config` (from readConfig); `noPython` is the reason if `python` is missing. */
export async function runBenchmark(config, { chromium, python, noPython }) {
  const date = new Date().toISOString();
  const models = new Map(
    Object.entries(config.models).map(([name, table]) => [name, openModel(name, table)]),
  );
  const { subjects, skipped } = available(config, models, python, noPython);
  for (const { id, reason } of skipped) console.log(`skipped: ${id}: ${reason}`);
  if (subjects.length === 0) throw new Failure("None of the chosen subjects can be measured here.");
  const server = await startServer(subjects.map(({ weights }) => weights.path));
  const browserArgs = [
    ...new Set(subjects.flatMap(({ implementation }) => IMPLEMENTATIONS[implementation].browserArgs ?? [])),
  ];
  const hosts = createHosts({ chromium, python, server, browserArgs, requestSeconds: config.run.request_s });
  try {
    const measured = {
      cold: [],
      bytes: [],
      samples: [],
      checks: [],
      failures: [],
      cases: [],
      adapters: [],
      visits: [],
    };
    const system = systemInfo(await hosts.describe(), python);
    for (const model of models.values()) {
      const own = subjects.filter(({ model: name }) => name === model?.name);
      if (own.length > 0) await measureModel(model, own, config, { hosts, server }, measured);
    }
    if (config.visitor) await visit(models, subjects, config, { chromium, server }, measured);
    system.variants = [...new Set(measured.cold.map(({ variant }) => variant).filter(Boolean))];
    const { run, workloads, sweeps, checks, prediction, seed, visitor } = config;
    const modelShapes = [...models.values()]
      .filter((model) => subjects.some((subject) => subject.model === model?.name))
      .map(({ name, shape }) => ({ name, ...shape }));
    return {
      schema: SCHEMA,
      name: config.name,
      date,
      quick: config.quick,
      config: { seed, run, workloads, sweeps, checks, prediction, visitor },
      system,
      models: modelShapes,
      subjects: subjects.map(({ weights, ...subject }) => subject),
      skipped,
      ...analyse(measured, subjects, modelShapes, config),
    };
  } finally {
    await hosts.close();
    await server.close();
  }
}

/**
 * The subjects whose files and programs are available, with their weights; and the others, with the reason.
 */
function available(config, models, python, noPython) {
  const [subjects, skipped] = [[], []];
  for (const subject of config.subjects) {
    const model = models.get(subject.model);
    const weights = model
      ? weightsOf(model, IMPLEMENTATIONS[subject.implementation].weights(subject.dtype))
      : { missing: `no files of ${subject.model} are here` };
    const reason = weights.missing ?? (subject.host === "python" && !python ? noPython : null);
    if (reason) skipped.push({ id: subject.id, reason });
    else subjects.push({ ...subject, weights });
  }
  return { subjects, skipped };
}

async function measureModel(model, subjects, config, { hosts, server }, measured) {
  const tokenize = tokenizerOf(model);
  const first = { texts: ["the first answer of all"], ids: [tokenize("the first answer of all")] };
  const members = [];
  try {
    for (const subject of subjects) {
      const request = loadRequest(subject, model, subject.weights, server, first);
      try {
        console.log(`${subject.id}: cold start`);
        const { urls, ...cold } = await coldStarts(
          () => hosts.openFresh(subject),
          request,
          config.models[subject.model].cold_starts ?? config.run.cold_starts,
          config.run.memory,
        );
        const opened = await hosts.open(subject);
        members.push({ subject, opened });
        const { adapter } = await opened.ask(request);
        if (adapter) measured.adapters.push({ subject: subject.id, ...adapter });
        measured.cold.push({ subject: subject.id, ...cold });
        if (urls.length > 0)
          measured.bytes.push({ subject: subject.id, ...(await transferred(urls, server.fileOf)) });
      } catch (error) {
        measured.failures.push({ subject: subject.id, what: "start", reason: error.message });
        console.log(`${subject.id}: FAILED to start: ${error.message}`);
        const index = members.findIndex((member) => member.subject === subject);
        if (index >= 0) await members.splice(index, 1)[0].opened.close();
      }
    }
    const unresponsive = await check(model, members, config, tokenize, measured);
    const responsive = members.filter((member) => !unresponsive.has(member));
    const cases = [
      ...config.workloads.flatMap((workload) => casesOf(workload, model, config, tokenize)),
      ...config.sweeps.flatMap((sweep) => sweepCases(sweep, model, config)),
    ];
    console.log(`${model.name}: timing ${responsive.length} subjects, ${cases.length} cases`);
    const samples = await timeCases(
      responsive,
      cases,
      config.run,
      config.seed,
      counter(),
      (subject, what, error) => measured.failures.push({ subject: subject.id, what, reason: error.message }),
    );
    measured.samples.push(...samples);
    measured.cases.push(...cases.map(({ requests, ...rest }) => ({ model: model.name, ...rest })));
  } finally {
    for (const { opened } of members) await opened.close();
  }
}

/** Measures visits for the plan's subjects that are available and haven't failed before. */
async function visit(models, subjects, { visitor, seed }, { chromium, server }, measured) {
  const members = [visitor.own, visitor.peer]
    .map((id) => subjects.find((subject) => subject.id === id))
    .filter((subject) => subject && !measured.failures.some((failure) => failure.subject === subject.id));
  if (members[0]?.id !== visitor.own) return;
  const model = models.get(members[0].model);
  const requests = members.map((subject) => ({
    subject,
    request: loadRequest(subject, model, subject.weights, server, null),
  }));
  console.log(`${model.name}: ${visitor.starts} visits of each on ${visitor.lines.length} lines`);
  const found = await measureVisits(
    visitor,
    requests,
    { chromium, mounts: server.mounts, model, seed },
    ({ id }, what, { message }) => measured.failures.push({ subject: id, what, reason: message }),
  );
  for (const key of ["samples", "cases", "visits"]) measured[key].push(...found[key]);
}

/** Counts turns on a terminal; silent if the output goes elsewhere. */
function counter() {
  let turns = 0;
  return () => void (process.stdout.isTTY && process.stdout.write(`\r  turn ${++turns} `));
}

/**
 * Checks every subject on every set that this model has. Resolves to the members that failed to
 * answer, which are closed.
 */
async function check(model, members, config, tokenize, measured) {
  const unresponsive = new Set();
  const fail = ({ id }, set, reason) =>
    measured.failures.push({ subject: id, what: `answers on ${set}`, reason });
  const answer = async (member, rows, set) => {
    if (unresponsive.has(member)) return null;
    return answersOf(member.opened, rows, tokenize).catch(async (error) => {
      unresponsive.add(member);
      fail(member.subject, set, error.message);
      await member.opened.close();
      return null;
    });
  };
  const record = ({ subject }, set, answers, expected, truths, against = null) => {
    const result = compareAnswers(
      answers,
      expected,
      truths,
      config.checks[boundsKey(subject.dtype)],
      config.checks.tie,
    );
    measured.checks.push({ subject: subject.id, set, against, ...result });
    if (!result.passed)
      fail(subject, set, `${result.reasons.join("; ")}${against ? `, against ${against}` : ""}`);
  };
  for (const set of config.checks.sets) {
    const rows =
      set === "goldens"
        ? goldensOf(model, tokenize)
        : hasGoldens(model) && config.data[set]
          ? dataSet(config.data[set].path)
          : null;
    if (!rows) continue;
    const part = spaced(rows, config.checks.limit);
    const truths = part.map((row) => truthOf(row, model.labels, config.data[set]?.labels));
    const inPython = members.find(({ subject }) => subject.implementation === "pytorch");
    // A set that was made with another model may have that model's logits.
    const logits = part.every(({ logits }) => logits?.length === model.labels.length);
    const expected = logits
      ? part.map((row) => softmax(row.logits))
      : inPython
        ? await answer(inPython, part, set)
        : null;
    for (const member of members) {
      const answers = await answer(member, part, set);
      if (answers) record(member, set, answers, expected, truths);
    }
  }
  if (!model.table.goldens && config.checks.made_up > 0)
    await checkMadeUp(model, members, config, { answer, record });
  return unresponsive;
}

/**
 * A model with random weights has no goldens: PyTorch's answers, or else those of the first subject in fp32,
 * are the reference for the others.
 */
async function checkMadeUp(model, members, { checks, seed }, { answer, record }) {
  const [{ texts, ids }] = madeUp("answers", model, CHECKED_TOKENS, checks.made_up, seed).requests;
  const rows = texts.map((text, i) => ({ text, ids: ids[i] }));
  const truths = rows.map(() => null);
  const inOrder = [
    ({ implementation }) => implementation === "pytorch",
    ({ implementation, dtype }) => dtype === "fp32" && implementation !== "pytorch",
    ({ dtype }) => dtype === "fp16",
  ];
  let reference = null;
  for (const member of inOrder.flatMap((test) => members.filter(({ subject }) => test(subject)))) {
    const answers = await answer(member, rows, MADE_UP);
    if (!answers) continue;
    record(member, MADE_UP, answers, reference?.answers ?? null, truths, reference?.id);
    reference ??= { id: member.subject.id, answers };
  }
}

/** Labelled sets are for the models that were trained for them: those with goldens in JSON Lines. */
function hasGoldens(model) {
  return model.table.goldens?.endsWith(".jsonl") === true;
}
