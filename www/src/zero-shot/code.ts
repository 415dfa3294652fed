/** The program that does in someone's own page what the tab does. */

import { ENCODER } from "../own-models.ts";

/** What was asked. */
export interface Asked {
  text: string;
  labels: readonly string[];
  template: string;
  multiLabel: boolean;
}

/** The template of an embedder where none is given. */
export const PLAIN = "{}";

/** The code that asks it. */
export function zeroShotCode({ text, labels, template, multiLabel }: Asked): string {
  const options = [
    ...(template === PLAIN ? [] : [`template: ${JSON.stringify(template)}`]),
    ...(multiLabel ? ["multiLabel: true"] : []),
  ];
  const rest = options.length > 0 ? `, { ${options.join(", ")} }` : "";
  return `${[
    'import { Embedder, ZeroShot } from "tabsense";',
    "",
    `// its files are in models/${ENCODER.name}/ beside your page`,
    `const embedder = await Embedder.load(${JSON.stringify(ENCODER.name)});`,
    "const zero = await ZeroShot.load(embedder);",
    `const labels = ${JSON.stringify(labels)};`,
    `const [best] = await zero.classify(${JSON.stringify(text)}, labels${rest});`,
    "console.log(best.label, best.score);",
    "await embedder.dispose();",
  ].join("\n")}\n`;
}
