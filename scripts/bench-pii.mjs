// Reports what the model pii-en, the patterns and both together find in the sentences of test_data/pii:
// `npm run bench:pii`. `--all` prints each sentence that isn't masked as it should be.

import { build } from "./build.mjs";
import { setUpModel } from "./models.mjs";
import { count, readSentences, table } from "./pii-sentences.mjs";
import { main } from "./run.mjs";

const COLUMNS = ["there", "found", "other", "partly", "missed", "alarms"];

await main(import.meta.url, async (args) => {
  await build({ converter: false });
  const folder = await setUpModel("pii-en");
  const { Tagger } = await import("tabsense");
  const { redact } = await import("../dist/redact/redact.js");
  const { checkPatterns, findPatterns } = await import("../dist/redact/patterns.js");
  const tagger = await Tagger.load(folder, { device: "cpu" });
  const sentences = readSentences();
  const texts = sentences.map(({ text }) => text);
  const masked = async (options) => (await tagger.redact(texts, options)).map(({ entities }) => entities);
  const both = await masked({ patterns: true });
  const ways = {
    "the model alone": await masked({}),
    "patterns alone": texts.map((text) => redact(text, findPatterns(text, checkPatterns(true))).entities),
    "the model and patterns": both,
  };
  await tagger.dispose();
  for (const [way, lists] of Object.entries(ways)) {
    console.log(`\n${way}`);
    console.log(row("", COLUMNS));
    for (const [label, counts] of table(count(sentences, lists)))
      console.log(
        row(
          label,
          COLUMNS.map((column) => counts[column]),
        ),
      );
  }
  if (args.includes("--all")) printFaults(sentences, both);
});

function row(label, cells) {
  return label.padEnd(8) + cells.map((cell) => String(cell).padStart(8)).join("");
}

function printFaults(sentences, lists) {
  for (const [i, sentence] of sentences.entries()) {
    const counts = Object.values(count([sentence], [lists[i]]));
    if (!counts.some(({ partly, missed, alarms }) => partly + missed + alarms > 0)) continue;
    console.log(`\n${sentence.text}`);
    for (const { label, score, text } of lists[i]) console.log(`  ${label} ${score.toFixed(2)} ${text}`);
  }
}
