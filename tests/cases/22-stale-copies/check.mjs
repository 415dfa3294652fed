// A model is loaded, the server gets a new version, and two starts later the answer has to be the new one.
// node check.mjs [WAY…]
import { chromium, folderOf, join, json, report, site, start, TEXT } from "../_tools/tools.mjs";
const here = folderOf(import.meta.url);
const { check, skip, end } = report();
const expected = json(join(here, "expected.json"));
// Without validators, only a rule of the package's own could help, which can't be waited for here: these
// answers may be old, but never a mixture.
const WAYS = {
  strong: true,
  "weak-etag": true,
  "modified-only": true,
  "head-403": true,
  "head-404": true,
  "head-405": true,
  "head-501": true,
  "head-hangs": true,
  "head-as-get-without-etag": true,
  "head-redirects-to-login": true,
  "weights-head-403": true,
  "weights-no-validators": false,
  "no-validators": false,
  "same-modified": false,
};
const browsers = await chromium();
if (browsers === null) skip("no Chromium");
else
  for (const [way, can] of Object.entries(WAYS).filter(
    ([name]) => process.argv.length < 3 || process.argv.slice(2).includes(name),
  )) {
    const { url, stop } = await start(join(here, "server.mjs"));
    const [page_, browser] = [await site(), await browsers.launch()];
    const context = await browser.newContext();
    const go = async () => {
      const page = await context.newPage();
      await page.goto(page_.url);
      const got = await page.evaluate(
        async ([address, text]) => {
          const { Classifier } = await import("/tabsense/index.js");
          try {
            const classifier = await Classifier.load(address, { device: "cpu" });
            const scores = await classifier.classify(text, { topK: null });
            await classifier.dispose();
            return scores;
          } catch (error) {
            return `${error.kind}: ${error.message}`;
          }
        },
        [`${url}/${way}/`, TEXT],
      );
      await page.close();
      if (typeof got === "string") return got;
      return (
        Object.keys(expected).find((version) =>
          got.every(({ label, score }) => Math.abs((expected[version].scores[label] ?? 9) - score) < 1e-5),
        ) ?? `a mixture of versions: ${JSON.stringify(got)}`
      );
    };
    check((await go()) === "v1", `${way}: v1 at first`);
    await fetch(`${url}/switch`);
    const after = [await go(), await go()];
    check(
      !after.some((version) => version.startsWith("a mixture")),
      `${way}: labels and weights are of one version`,
      after.join(", "),
    );
    if (can) check(after[1] === "v2", `${way}: v2 two starts after it was there`, after.join(", "));
    await browser.close();
    page_.close();
    stop();
  }
end();
process.exit();
