// Starts of a page on a slow line: from its navigation to the first label, in a fresh browser each time.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { Failure, ROOT } from "../../scripts/run.mjs";
import { startBrowser } from "../hosts/browser.mjs";
import { median } from "../statistics.mjs";
import { systemInfo } from "../system.mjs";
import { startLine } from "./server.mjs";

const MOUNTS = { "/dist/": "dist", "/peers/": "bench/node_modules", "/bench/": "bench/network" };

/** What each library is imported from, and where it has its runtime from. */
const LIBRARIES = {
  tabsense: { library: "/dist/index.js" },
  "transformers.js": {
    library: "/peers/@huggingface/transformers/dist/transformers.min.js",
    runtime: "/peers/onnxruntime-web/dist/",
  },
};

/** Whether any of the libraries is one that has to be installed. */
export const needsPeers = ({ libraries }) => libraries.some((name) => name !== "tabsense");

/** The plan in a file, with what the command line says instead. */
export function readPlan(path, changes = {}) {
  const plan = { ...parse(readFileSync(path, "utf8")), ...changes };
  const unknown = plan.libraries.find((name) => !Object.hasOwn(LIBRARIES, name));
  if (unknown) throw new Failure(`There is no library ${unknown}: ${Object.keys(LIBRARIES).join(", ")}.`);
  return plan;
}

/** Measures a plan; calls `onStart` for each start. */
export async function measurePlan(plan, chromium, onStart = () => {}) {
  const texts = readFileSync(join(ROOT, plan.data), "utf8")
    .split("\n")
    .filter(Boolean)
    .slice(0, plan.requests + 1)
    .map((line) => JSON.parse(line).text);
  const model = { name: `org/${plan.model.name}`, folder: join(ROOT, plan.model.onnx) };
  const mounts = Object.fromEntries(
    Object.entries(MOUNTS).map(([path, folder]) => [path, join(ROOT, folder)]),
  );
  const line = await startLine(mounts, model);
  const starts = [];
  let browser = null;
  try {
    // Compresses all that is served, and fills the system's caches.
    for (const library of plan.libraries)
      await startOnce(line, chromium, { plan, library, rate: 0, model, texts });
    for (const rate of plan.rates) {
      for (let round = 0; round < plan.starts; round++) {
        // Who begins changes from round to round.
        const order = round % 2 === 0 ? plan.libraries : plan.libraries.toReversed();
        for (const library of order) {
          const start = await startOnce(line, chromium, { plan, library, rate, model, texts });
          browser = start.browser;
          starts.push({ rate, library, ...start });
          onStart(starts.at(-1));
        }
      }
    }
  } finally {
    await line.close();
  }
  return {
    name: plan.name,
    date: new Date().toISOString(),
    plan,
    system: systemInfo({ browser, webgpu: null }, null),
    agreement: agreementOf(starts),
    starts: starts.map(({ labels: _, browser: __, ...start }) => start),
    rows: rowsOf(plan, starts),
  };
}

async function startOnce(line, chromium, { plan, library, rate, model, texts }) {
  const browser = await startBrowser(chromium);
  try {
    const page = await browser.newPage();
    await page.waitForTimeout(plan.rest);
    line.limit(rate);
    const { dtype, warm_up: warmUp } = plan;
    const asked = { ...LIBRARIES[library], model: model.name, dtype, texts, warmUp };
    page.setDefaultTimeout(plan.start_s * 1000);
    await page.goto(`${line.url}bench/page.html#${encodeURIComponent(JSON.stringify(asked))}`);
    await page.waitForFunction(() => "measured" in window);
    const { firstLabel, times, labels } = await within(
      page.evaluate(() => window.measured),
      plan.start_s,
      `${library} at ${rate} Mbit/s`,
    );
    const version = `Chromium ${browser.version()}`;
    return { firstLabel, p50: median(times), bytes: line.sent(), labels, browser: version };
  } finally {
    await browser.close();
  }
}

async function within(promise, seconds, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, seconds * 1000, new Failure(`${what}: no answer after ${seconds} s.`));
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** How many of the texts all libraries give the same label, in all starts. */
function agreementOf(starts) {
  const [first, ...others] = starts.map(({ labels }) => labels);
  const equal = first.filter((label, i) => others.every((labels) => labels[i] === label)).length;
  return { equal, of: first.length };
}

/** Medians by rate, with what the transfer alone takes. */
function rowsOf({ rates, libraries }, starts) {
  return rates.map((rate) => ({
    rate,
    libraries: libraries.map((library) => {
      const own = starts.filter((start) => start.rate === rate && start.library === library);
      const of = (pick) => median(own.map(pick));
      const bytes = { code: of(({ bytes }) => bytes.code), model: of(({ bytes }) => bytes.model) };
      return {
        library,
        firstLabel: of(({ firstLabel }) => firstLabel),
        range: [
          Math.min(...own.map(({ firstLabel }) => firstLabel)),
          Math.max(...own.map((s) => s.firstLabel)),
        ],
        p50: of(({ p50 }) => p50),
        bytes,
        transfer: rate === 0 ? null : ((bytes.code + bytes.model) * 8) / (rate * 1000),
      };
    }),
  }));
}
