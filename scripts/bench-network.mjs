// `npm run bench:network`: how long a page takes to its first label on lines of several rates, beside transformers.js.
// Options: --config FILE, --rates 10,50, --starts N, --out FILE (the result), --keep (it becomes the one that
// docs/benchmarks-network.md and the README show).

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
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
      rates: { type: "string" },
      starts: { type: "string" },
      out: { type: "string" },
      keep: { type: "boolean", default: false },
    },
  });
  const from = process.env.INIT_CWD ?? process.cwd();
  await setUpBuild();
  await build({ converter: false });
  const { chromium } = await setUpBrowser();
  const { prepareModels, setUpPackages, setUpPython } = await import("../bench/setup.mjs");
  await setUpPackages({ peers: true });
  const { measurePlan, readPlan } = await import("../bench/network/measure.mjs");
  const { KEPT, networkPage, PAGE, withNetworkPart } = await import("../bench/network/document.mjs");
  const plan = readPlan(values.config ? resolve(from, values.config) : join(ROOT, "bench/network.toml"), {
    ...(values.rates && { rates: values.rates.split(",").map(Number) }),
    ...(values.starts && { starts: Number(values.starts) }),
  });
  const weights = join(plan.model.onnx, "onnx/model_quantized.onnx");
  if (!existsSync(join(ROOT, weights))) {
    const { python = null, missing } = await setUpPython({ make: true });
    await prepareModels({ [plan.model.name]: plan.model }, python);
    if (!existsSync(join(ROOT, weights)))
      throw new Failure(`${weights} could not be made: ${missing ?? "see above"}.`);
  }
  const result = await measurePlan(plan, chromium, ({ rate, library, firstLabel, p50, bytes }) =>
    console.log(
      `${rate} Mbit/s, ${library}: first label after ${Math.round(firstLabel)} ms, ${p50.toFixed(1)} ms a text, ${bytes.code} + ${bytes.model} bytes`,
    ),
  );
  const write = (path, text) => (mkdirSync(dirname(path), { recursive: true }), writeFileSync(path, text));
  const json = `${JSON.stringify(result, null, 1)}\n`;
  const out = values.out
    ? resolve(from, values.out)
    : join(ROOT, "bench/results", `network-${result.date.slice(0, 16).replace(":", "")}.json`);
  write(out, json);
  console.log(`\n${networkPage(result)}\nThe result: ${out}`);
  if (!values.keep) return;
  write(join(ROOT, KEPT), json);
  write(join(ROOT, PAGE), networkPage(result));
  const readme = join(ROOT, "README.md");
  writeFileSync(readme, withNetworkPart(readFileSync(readme, "utf8"), result));
});
