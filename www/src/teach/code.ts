/** The program that does in someone's own page what the tab does. */

import { TAUGHT } from "../code.ts";

/** The code that classifies `text` with the file that was downloaded. */
export function taughtCode(text: string): string {
  return `${[
    TAUGHT.imports,
    "",
    ...TAUGHT.load,
    `const [best] = await mine.classify(${JSON.stringify(text)});`,
    'console.log(best.label ?? "not sure", best.score);',
    "await embedder.dispose();",
  ].join("\n")}\n`;
}
