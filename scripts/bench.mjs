// `npm run bench`: measures what bench/config.toml names and writes a report.
// Options: --config FILE, --only PART[,PART], --out FOLDER, --quick, --no-python.

import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { setUpBrowser } from "./browser.mjs";
import { build } from "./build.mjs";
import { Failure, main, ROOT } from "./run.mjs";
import { setUpBuild } from "./setup.mjs";

await main(import.meta.url, async (args) => {
  const { values } = parseArgs({
    args,
    options: {
      config: { type: "string" },
      only: { type: "string" },
      out: { type: "string" },
      quick: { type: "boolean", default: false },
      "no-python": { type: "boolean", default: false },
    },
  });
  const from = process.env.INIT_CWD ?? process.cwd();
  await setUpBuild();
  await build();
  const { chromium } = await setUpBrowser();
  const { readConfig } = await import("../bench/config.mjs");
  const { IMPLEMENTATIONS } = await import("../bench/implementations/index.mjs");
  const { prepareModels, setUpPackages, setUpPython } = await import("../bench/setup.mjs");
  const config = readConfig(values.config ? resolve(from, values.config) : join(ROOT, "bench/config.toml"), {
    only: values.only?.split(",") ?? [],
    quick: values.quick,
  });
  const has = (test) => config.subjects.some(({ implementation }) => test(IMPLEMENTATIONS[implementation]));
  const peers = has(({ peer }) => peer);
  await setUpPackages({ peers });
  const wanted = !values["no-python"] && (peers || has(({ host }) => host === "python"));
  const { python = null, missing } = wanted
    ? await setUpPython({ make: !values.quick })
    : { missing: "--no-python leaves it out" };
  await prepareModels(modelsOf(config), python);
  const { runBenchmark } = await import("../bench/run.mjs");
  const { writeReport } = await import("../bench/report/index.mjs");
  const result = await runBenchmark(config, { chromium, python, noPython: missing });
  const folder = values.out
    ? resolve(from, values.out)
    : join(
        ROOT,
        "bench/results",
        `${result.date.slice(0, 16).replace(":", "")}-${result.system.commit ?? "none"}`,
      );
  const { text } = await writeReport(result, folder);
  console.log(`\n${text}\nThe report: ${relative(from, join(folder, "index.html"))}`);
  if (result.failures.length > 0) {
    throw new Failure(
      `\n${result.failures.map(({ subject, what, reason }) => `FAILED: ${subject}: ${what}: ${reason}`).join("\n")}`,
    );
  }
});

function modelsOf({ models, subjects }) {
  return Object.fromEntries(
    Object.entries(models).filter(([name]) => subjects.some(({ model }) => model === name)),
  );
}
