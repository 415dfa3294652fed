// The service under more load than it accepts, in its own process: each request is answered with 200, 429 or
// 503, memory stays flat, and SIGTERM under load loses no accepted request. Takes seconds here, ten minutes
// under `npm run test:long`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { assertFlat, times } from "../../../tests/soak.mjs";
import { ready, SENTIMENT, spawned } from "./support.mjs";

const SECONDS = times(5, 600);
/** Twice as many as the calls that are accepted, so that the service is always full. */
const CLIENTS = 32;
const BODY = JSON.stringify({
  texts: ["A delight from start to finish.", "A waste of two hours."],
  topK: null,
});
const CALL = { method: "POST", headers: { "content-type": "application/json" }, body: BODY };
/** What a service that is full or stopping may answer. */
const STATUSES = ["200", "429", "503"];

const MIB = 2 ** 20;

/**
 * Node's options in the short run: V8 collects garbage as often as memory is measured, and keeps the young
 * generation small. On its own it collects too little within seconds for growth to mean anything.
 */
const COLLECTING = [
  "--max-semi-space-size=1",
  "--expose-gc",
  "--import",
  "data:text/javascript,setInterval(gc, 200).unref()",
];

/** Bytes of a process's own memory (anonymous pages); null if the system doesn't report them. */
function bytesOf({ pid }) {
  if (process.platform !== "linux") return null;
  return 1024 * Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
}

test(`${SECONDS} seconds at saturation: nothing but 200, 429 and 503, and the memory is flat`, {
  timeout: (SECONDS + 120) * 1000,
}, async (t) => {
  const { url, child, ended } = await spawned(t, SENTIMENT, times(COLLECTING, []));
  await ready({ url });
  const samples = [];
  const sampling = setInterval(() => samples.push(bytesOf(child)), times(200, 2000));
  t.after(() => clearInterval(sampling));
  const result = await autocannon({
    url: `${url}/classify`,
    ...CALL,
    connections: CLIENTS,
    duration: SECONDS,
  });
  clearInterval(sampling);
  const counts = Object.entries(result.statusCodeStats).map(([status, { count }]) => `${status}: ${count}`);
  const { latency, requests } = result;
  t.diagnostic(
    `${requests.total} requests in ${result.duration} s (${counts.join(", ")}); latency in ms: median ${latency.p50}, 99 % ${latency.p99}, most ${latency.max}`,
  );
  assert.deepEqual([result.errors, result.timeouts, result.mismatches], [0, 0, 0]);
  assert.deepEqual(
    Object.keys(result.statusCodeStats).filter((status) => !STATUSES.includes(status)),
    [],
  );
  for (const status of ["200", "429"]) assert.ok(result.statusCodeStats[status]?.count > 0, `no ${status}`);
  if (samples[0] !== null) {
    // The short run grows by up to 6 MiB. In the long one, the young generation may grow to 3 × 16 MiB before it
    // is collected.
    assertFlat(t, "memory of the service's process", samples, times(16, 48) * MIB);
  }
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});

/** Sends requests until the service is gone; counts their outcomes. */
async function ask(url, outcomes) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const count = (outcome) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  for (;;) {
    const outcome = await new Promise((resolve) => {
      const asked = request(`${url}/classify`, { ...CALL, agent }, async (response) => {
        try {
          let length = 0;
          for await (const piece of response) length += piece.length;
          resolve(length > 0 ? response.statusCode : "empty");
        } catch {
          resolve("cut off");
        }
      });
      asked.on("error", ({ code }) =>
        resolve(asked.reusedSocket ? `${code} of a connection that was kept` : code),
      );
      asked.end(BODY);
    });
    count(outcome);
    if (outcome === "ECONNREFUSED") return agent.destroy();
  }
}

test("SIGTERM under load: each request that was accepted is answered, and the answer arrives", {
  timeout: 60_000,
}, async (t) => {
  const counting = fileURLToPath(new URL("counting.mjs", import.meta.url));
  const { url, child, ended, printed } = await spawned(t, SENTIMENT, ["--import", counting]);
  await ready({ url });
  const outcomes = new Map();
  const asking = Promise.all(Array.from({ length: CLIENTS }, () => ask(url, outcomes)));
  await sleep(1500);
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
  await asking;
  t.diagnostic(JSON.stringify(Object.fromEntries(outcomes)));
  const [, accepted, answered] = /accepted (\d+), answered (\d+)/.exec(printed.text).map(Number);
  const arrived = STATUSES.reduce((sum, status) => sum + (outcomes.get(Number(status)) ?? 0), 0);
  assert.ok(outcomes.get(200) > 0 && outcomes.get(429) > 0);
  assert.deepEqual([answered, arrived], [accepted, accepted]);
  assert.deepEqual(
    // A connection that the system had accepted, but not the service, may end at any time.
    [...outcomes.keys()].filter((one) => typeof one === "string" && !/^ECONN(?:REFUSED|RESET)$/.test(one)),
    [],
  );
});
