// `npm run bench:compare A.json B.json`: what changed from one result to another.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Failure, main } from "./run.mjs";

await main(import.meta.url, async (args) => {
  if (args.length !== 2)
    throw new Failure("Name two results: npm run bench:compare BEFORE/result.json AFTER/result.json");
  const { setUpPackages } = await import("../bench/setup.mjs");
  await setUpPackages({ peers: false });
  const { comparisonText } = await import("../bench/compare.mjs");
  const [before, after] = args.map((path) => {
    try {
      return JSON.parse(readFileSync(resolve(process.env.INIT_CWD ?? "", path), "utf8"));
    } catch (error) {
      throw new Failure(`${path} could not be read as a result (${error.message}).`);
    }
  });
  console.log(comparisonText(before, after));
});
