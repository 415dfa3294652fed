/** Code that does the same as the tab, for the user's own page. */

import { TAUGHT } from "../code.ts";

/** The code that classifies `text` with the downloaded file. */
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
