/** Code that does the same as the tab, for the user's own page. */

import { TAGGER } from "../own-models.ts";

const MAX_LENGTH = 2_000; // UTF-16 units of a text that is written out

/** What was requested. */
export interface RedactRequest {
  text: string;
  /** Null: all labels. */
  labels: readonly string[] | null;
  patterns: boolean;
}

/** The code that masks and restores. */
export function redactCode({ text, labels, patterns }: RedactRequest): string {
  const options = [
    ...(labels ? [`labels: ${JSON.stringify(labels)}`] : []),
    ...(patterns ? ["patterns: true"] : []),
  ];
  const argument =
    text.length <= MAX_LENGTH ? JSON.stringify(text) : 'document.querySelector("textarea").value';
  return `${[
    'import { Tagger } from "tabsense";',
    "",
    `// its files are in models/${TAGGER.name}/ next to your page`,
    `const tagger = await Tagger.load(${JSON.stringify(TAGGER.name)});`,
    `const masked = await tagger.redact(${argument}${options.length > 0 ? `, { ${options.join(", ")} }` : ""});`,
    "const answer = await yourServer(masked.text); // the values stay here",
    "console.log(masked.restore(answer), masked.missing(answer));",
    "await tagger.dispose();",
  ].join("\n")}\n`;
}
