/** The program that does in someone's own page what the tab does. */

import { ENCODER } from "../own-models.ts";

/** The code that classifies `text` with the file that was downloaded as `file`. */
export function taughtCode(file: string, text: string): string {
  return `${[
    'import { Embedder, TaughtClassifier } from "tabsense";',
    "",
    `// the files of the encoder are in models/${ENCODER.name}/ beside your page, and so is ${file}`,
    `const embedder = await Embedder.load(${JSON.stringify(ENCODER.name)});`,
    `const saved = await fetch(${JSON.stringify(`./${file}`)});`,
    "const mine = await TaughtClassifier.from(await saved.blob(), embedder);",
    `const [best] = await mine.classify(${JSON.stringify(text)});`,
    'console.log(best.label ?? "not sure", best.score);',
    'mine.add("Where is my receipt?", "billing"); // it learns on, wherever it runs',
    "await mine.retrain();",
    "await embedder.dispose();",
  ].join("\n")}\n`;
}
