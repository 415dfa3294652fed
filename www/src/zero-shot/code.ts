/** Code that does the same as the tab, for the user's own page. */

import { ENCODER } from "../own-models.ts";

/** What was requested. */
export interface ZeroShotRequest {
  text: string;
  labels: readonly string[];
  template: string;
  multiLabel: boolean;
}

/** The default template of an embedder. */
export const DEFAULT_TEMPLATE = "{}";

/** The code for what was requested. */
export function zeroShotCode({ text, labels, template, multiLabel }: ZeroShotRequest): string {
  const options = [
    ...(template === DEFAULT_TEMPLATE ? [] : [`template: ${JSON.stringify(template)}`]),
    ...(multiLabel ? ["multiLabel: true"] : []),
  ];
  const rest = options.length > 0 ? `, { ${options.join(", ")} }` : "";
  return `${[
    'import { Embedder, ZeroShot } from "tabsense";',
    "",
    `// its files are in models/${ENCODER.name}/ next to your page`,
    `const embedder = await Embedder.load(${JSON.stringify(ENCODER.name)});`,
    "const zero = await ZeroShot.load(embedder);",
    `const labels = ${JSON.stringify(labels)};`,
    `const [best] = await zero.classify(${JSON.stringify(text)}, labels${rest});`,
    "console.log(best.label, best.score);",
    "await embedder.dispose();",
  ].join("\n")}\n`;
}
