// What a visitor experiences: the time from a page's navigation to the first label, in a fresh browser on
// lines of several rates, and the calls after that.

import { madeUp } from "../cases.mjs";
import { startBrowser } from "../hosts/browser.mjs";
import { IDLE_MS } from "../hosts/index.mjs";
import { limited } from "../hosts/limit.mjs";
import { IMPLEMENTATIONS } from "../implementations/index.mjs";
import { median } from "../statistics.mjs";
import { FIRST_CALL, laterCalls, labelCase, VISIT } from "./cases.mjs";
import { startLine } from "./server.mjs";

/** Extra seconds for the first visit, in which files may be compressed for the first time. */
const COMPRESSION_S = 600;

/**
 * Visits each subject of `members` (`[{ subject, request }]`, of one model) `plan.starts` times on each line,
 * alternately. Resolves to `{ samples, cases, visits }`: samples and cases like those of other workloads, and
 * the transfers by line and subject, `{ rate, subject, bytes: { code, model }, transfer }`, where `transfer`
 * is the time of the transfer itself in milliseconds, or null. A subject that fails is reported to
 * `onFailure` and not visited again.
 */
export async function measureVisits(plan, members, { chromium, mounts, model, seed }, onFailure) {
  const texts = madeUp(VISIT, model, plan.tokens, plan.calls, seed).requests[0].texts;
  const line = await startLine(mounts);
  const failed = new Set();
  const starts = [];
  const visit = async (member, connection, isMeasured) => {
    if (failed.has(member)) return;
    const { subject } = member;
    try {
      const seconds = plan.start_s + (isMeasured ? 0 : COMPRESSION_S);
      const start = await visitOnce(line, chromium, member, { connection, texts, seconds });
      if (!isMeasured) return;
      starts.push({ connection, subject: subject.id, ...start });
      console.log(
        `${subject.id}: ${labelCase(connection)} after ${Math.round(start.firstLabel)} ms, first call ${start.times[0].toFixed(1)} ms`,
      );
    } catch (error) {
      failed.add(member);
      onFailure(subject, labelCase(connection), error);
    }
  };
  try {
    // Compresses all files that are served, and fills the system's caches.
    for (const member of members) await visit(member, { rate: 0, round_trip: 0 }, false);
    for (let round = 0; round < plan.starts; round++)
      // The order is reversed from round to round.
      for (const connection of plan.lines)
        for (const member of round % 2 === 0 ? members : members.toReversed())
          await visit(member, connection, true);
  } finally {
    await line.close();
  }
  return { ...samplesOf(plan, starts, model), visits: transfersOf(plan, starts) };
}

async function visitOnce(line, chromium, { subject, request }, { connection, texts, seconds }) {
  const { browserArgs = [] } = IMPLEMENTATIONS[subject.implementation];
  const browser = await startBrowser(chromium, browserArgs);
  try {
    const page = await browser.newPage();
    await page.waitForTimeout(IDLE_MS);
    line.limit(connection);
    const { module, options } = request;
    const settings = encodeURIComponent(JSON.stringify({ module, options, texts }));
    page.setDefaultTimeout(1000 * seconds);
    await page.goto(`${line.url}bench/visit/page.html#${settings}`);
    await page.waitForFunction(() => "visited" in window);
    const { firstLabel, times } = await limited(
      () => page.evaluate(() => window.visited),
      seconds,
    )({
      op: VISIT,
    });
    return { firstLabel, times, bytes: line.sent() };
  } finally {
    await browser.close();
  }
}

/**
 * Visits as samples: each start is a round. For the later calls, a round is the median of one start's calls.
 */
function samplesOf(plan, starts, model) {
  const subjects = [...new Set(starts.map(({ subject }) => subject))];
  const sample = (id, keep, times) =>
    subjects.map((subject) => {
      const ofSubject = starts.filter((start) => start.subject === subject && keep(start)).map(times);
      return { subject, case: id, times: ofSubject.flat(), rounds: ofSubject.map((part) => median(part)) };
    });
  const kinds = [
    ...plan.lines.map((connection) => [
      labelCase(connection),
      (start) => start.connection === connection,
      ({ firstLabel }) => [firstLabel],
    ]),
    [FIRST_CALL, () => true, ({ times }) => times.slice(0, 1)],
    [laterCalls(plan), () => true, ({ times }) => times.slice(1)],
  ];
  const common = { model: model.name, workload: VISIT, tokens: plan.tokens, batch: 1, implementations: null };
  return {
    samples: kinds.flatMap((kind) => sample(...kind)).filter(({ times }) => times.length > 0),
    cases: kinds.map(([id]) => ({
      id,
      group: id.slice(VISIT.length + 1),
      rounds: plan.starts,
      iterations: 1,
      ...common,
    })),
  };
}

function transfersOf({ lines }, starts) {
  return lines.flatMap((connection) =>
    [...new Set(starts.map(({ subject }) => subject))].flatMap((subject) => {
      const ofSubject = starts.filter(
        (start) => start.subject === subject && start.connection === connection,
      );
      if (ofSubject.length === 0) return [];
      const of = (kind) => median(ofSubject.map(({ bytes }) => bytes[kind]));
      const bytes = { code: of("code"), model: of("model") };
      const { rate } = connection;
      const transfer = rate === 0 ? null : ((bytes.code + bytes.model) * 8) / (rate * 1000);
      return [{ rate, subject, bytes, transfer }];
    }),
  );
}
