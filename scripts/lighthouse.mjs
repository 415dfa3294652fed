// `npm run lighthouse`: runs Lighthouse on the built page, as on a phone with a slow network and as on a
// desktop. It fails if performance, accessibility or best practices are below 95. It is not part of
// `npm test`: npx fetches it.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setUpBrowser } from "./browser.mjs";
import { buildPage } from "./build.mjs";
import { Failure, main, must, ROOT } from "./run.mjs";
import { servePage } from "./serve.mjs";

const LIGHTHOUSE = "lighthouse@12.8.2"; // the last one that runs on Node 20
const MIN_SCORE = 95;
const RUNS = 3; // other programs can distort a run: the one in the middle counts
const CATEGORIES = ["performance", "accessibility", "best-practices"];
const MEASURES = [
  "first-contentful-paint",
  "largest-contentful-paint",
  "total-blocking-time",
  "cumulative-layout-shift",
];
const PRESETS = { phone: [], desktop: ["--preset=desktop"] };

await main(import.meta.url, async () => {
  const { chromium } = await setUpBrowser();
  await buildPage();
  const folder = join(ROOT, "target/lighthouse");
  mkdirSync(folder, { recursive: true });
  const site = await servePage({ isolated: true, compressed: true });
  const low = [];
  try {
    for (const [name, preset] of Object.entries(PRESETS)) {
      const reports = [];
      for (let run = 0; run < RUNS; run += 1) {
        const path = join(folder, `${name}-${run}.json`);
        await must(
          "npx",
          [
            "--yes",
            LIGHTHOUSE,
            site.url,
            "--quiet",
            "--output=json",
            `--output-path=${path}`,
            `--only-categories=${CATEGORIES.join()}`,
            "--chrome-flags=--headless=new --no-sandbox",
            ...preset,
          ],
          { env: { CHROME_PATH: chromium } },
        );
        reports.push(JSON.parse(readFileSync(path, "utf8")));
      }
      const performance = (report) => report.categories.performance.score;
      const { categories, audits } = reports.toSorted((a, b) => performance(a) - performance(b))[
        Math.floor(RUNS / 2)
      ];
      const scores = CATEGORIES.map((id) => [id, Math.round(categories[id].score * 100)]);
      console.log(`${name}: ${scores.map(([id, score]) => `${id} ${score}`).join(", ")}`);
      console.log(`  ${MEASURES.map((id) => `${id} ${audits[id].displayValue}`).join(", ")}`);
      for (const id of CATEGORIES)
        for (const { id: audit, weight } of categories[id].auditRefs)
          if (weight > 0 && audits[audit].score !== null && audits[audit].score < 0.9)
            console.log(`  ${audit}: ${audits[audit].title} ${audits[audit].displayValue ?? ""}`);
      low.push(...scores.filter(([, score]) => score < MIN_SCORE).map(([id]) => `${id} on a ${name}`));
    }
  } finally {
    await site.close();
  }
  if (low.length > 0)
    throw new Failure(`Below ${MIN_SCORE}: ${low.join(", ")}. The reports are in ${folder}.`);
});
