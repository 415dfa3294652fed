// Compares two embedders' vectors of this project's sentences: `npm run check:vectors -- A B`, two folders or
// names, such as an encoder and the same one in fewer bits.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { Failure, main, ROOT } from "./run.mjs";

await main(import.meta.url, async (names) => {
  if (names.length !== 2) throw new Failure("Name two embedders: npm run check:vectors -- FOLDER FOLDER");
  await build();
  const { Embedder } = await import("../dist/node.js");
  const sentences = readFileSync(join(ROOT, "test_data/sentences.txt"), "utf8").split("\n").filter(Boolean);
  const embedders = await Promise.all(names.map((name) => Embedder.load(name, { device: "cpu" })));
  try {
    const [a, b] = await Promise.all(embedders.map((one) => one.embed(sentences, { normalize: true })));
    const [{ similarity }] = embedders;
    const cosines = a.map((vector, i) => similarity(vector, b[i])).sort((x, y) => x - y);
    const differences = a.flatMap((_, i) =>
      a.slice(0, i).map((_, j) => Math.abs(similarity(a[i], a[j]) - similarity(b[i], b[j]))),
    );
    console.log(`${sentences.length} sentences: cosine of a text's two vectors`);
    console.log(`  min ${cosines[0].toFixed(4)}, median ${cosines[cosines.length >> 1].toFixed(4)}`);
    console.log(
      `  largest difference between two texts' similarities: ${Math.max(...differences).toFixed(4)}`,
    );
  } finally {
    await Promise.all(embedders.map((one) => one.dispose()));
  }
});
