/** The program that does what the page just did, for those who want it in their own page. */

import type { Text } from "tabsense";
import { DEFAULT_MODEL } from "./catalogue.ts";
import { ENCODER } from "./own-models.ts";
import type { Request } from "./slot.ts";

const MAX_LENGTH = 2_000; // UTF-16 units of the longest text that is written out
const DEFAULT = "auto";

/** A file that was classified, as its code has to read it. */
export interface FileRead {
  name: string;
  format: "csv" | "jsonl" | "json" | "lines";
  /** Its encoding, by its name in `TextDecoder`. */
  encoding: string;
  /** Whether the file names its columns. */
  named: boolean;
  /** The index of the column with the texts, and its name. */
  at: number;
  column: string;
  /** The dialect of a CSV. */
  dialect?: { delimiter: string; quote: string | null; skipped: number };
}

/** The code for one verdict, on a text or a pair of texts. */
export function textCode(request: Request, text: Text): string {
  const { imports, load } = loading(request);
  const argument =
    typeof text === "string"
      ? textExpression(text, "textarea")
      : `{ text: ${textExpression(text.text, "textarea")}, pair: ${textExpression(text.pair, "textarea.second")} }`;
  return lines([
    imports,
    "",
    ...load,
    `const scores = await classifier.classify(${argument}, { topK: null });`,
    "console.log(scores[0].label, scores[0].score); // the label with the highest score",
    "await classifier.dispose();",
  ]);
}

/** A text as code; for a long one, code that reads it from the page. */
function textExpression(text: string, selector: string): string {
  return text.length <= MAX_LENGTH ? JSON.stringify(text) : `document.querySelector("${selector}").value`;
}

/** The code for a file's verdicts, with the model of a request; null: with the taught classifier. */
export function fileCode(request: Request | null, file: FileRead): string {
  const { imports, load } = request ? loading(request) : TAUGHT;
  return lines([
    ...(file.format === "csv" ? ['import { parse } from "csv-parse/browser/esm/sync";'] : []),
    imports,
    "",
    `const file = document.querySelector("input[type=file]").files[0]; // ${oneLine(file.name)}`,
    ...reading(file),
    "",
    ...load,
    ...(request ? STREAMED : AT_ONCE),
  ]);
}

const STREAMED = [
  "for await (const { scores: [best], text } of classifier.stream(texts)) {",
  '  console.log(best?.label ?? "no text", best?.score, text);',
  "}",
  "await classifier.dispose();",
];

const AT_ONCE = [
  "const verdicts = await mine.classify(texts);",
  'verdicts.forEach(([best], i) => console.log(best.label ?? "not sure", best.score, texts[i]));',
  "await embedder.dispose();",
];

/** The name of the file that the Teach tab downloads. */
export const TAUGHT_FILE = "my-labels.json";

/** The code that loads a taught classifier. */
export const TAUGHT = {
  imports: 'import { Embedder, TaughtClassifier } from "tabsense";',
  load: [
    `// models/${ENCODER.name}/ (the encoder's files) and ${TAUGHT_FILE} (downloaded from Teach) are next to your page`,
    `const embedder = await Embedder.load(${JSON.stringify(ENCODER.name)});`,
    `const saved = await fetch(${JSON.stringify(`./${TAUGHT_FILE}`)});`,
    "const mine = await TaughtClassifier.from(await saved.blob(), embedder);",
  ],
};

function loading({ source, device, dtype }: Request): { imports: string; load: string[] } {
  const options = [
    ...(device === DEFAULT ? [] : [`device: ${JSON.stringify(device)}`]),
    ...(dtype === DEFAULT ? [] : [`dtype: ${JSON.stringify(dtype)}`]),
  ];
  const rest = options.length > 0 ? `, { ${options.join(", ")} }` : "";
  const imports = 'import { Classifier } from "tabsense";';
  // The page's own model is a package, which the install line names.
  if (source === DEFAULT_MODEL)
    return {
      imports: `${imports}\nimport model from "tabsense/model/${DEFAULT_MODEL}";`,
      load: [`const classifier = await Classifier.load(model${rest});`],
    };
  if (typeof source === "string") {
    const where = /^\w[\w.-]*$/.test(source)
      ? [`// its files are in models/${source}/ next to your page`]
      : [];
    return {
      imports,
      load: [...where, `const classifier = await Classifier.load(${JSON.stringify(source)}${rest});`],
    };
  }
  return {
    imports,
    load: [
      'const files = [...document.querySelector("input[type=file][multiple]").files]; // config.json, tokenizer.json, and model.safetensors or model.onnx',
      `const classifier = await Classifier.load(files${rest});`,
    ],
  };
}

/**
 * Code that finds the texts as the page does: without empty and missing ones, and
 * without lines that aren't JSON.
 */
function reading({ format, encoding, named, at, column, dialect }: FileRead): string[] {
  const content =
    encoding === "utf-8"
      ? "await file.text()"
      : `new TextDecoder(${JSON.stringify(encoding)}).decode(await file.arrayBuffer())`;
  const cell = format === "csv" ? `row[${at}]` : named ? `row?.[${JSON.stringify(column)}]` : "row";
  const texts = `.map((row) => String(${cell} ?? "")).filter((text) => text.trim());`;
  switch (format) {
    case "csv":
      return [
        `const rows = parse(${content}, {`,
        `  delimiter: ${JSON.stringify(dialect?.delimiter ?? ",")},`,
        `  quote: ${JSON.stringify(dialect ? dialect.quote : '"')},`,
        ...(dialect?.skipped ? [`  from_line: ${dialect.skipped + 1}, // after the sep= line`] : []),
        '  record_delimiter: ["\\r\\n", "\\n", "\\r"],',
        "  relax_column_count: true,",
        "  relax_quotes: true,",
        "  skip_empty_lines: true,",
        "});",
        named ? `const texts = rows.slice(1)${texts} // ${oneLine(column)}` : `const texts = rows${texts}`,
      ];
    case "jsonl":
      return [
        `const rows = (${content}).split("\\n").flatMap((line) => {`,
        "  try {",
        "    return [JSON.parse(line)];",
        "  } catch {",
        "    return []; // not valid JSON",
        "  }",
        "});",
        `const texts = rows${texts}`,
      ];
    case "json":
      return [`const texts = JSON.parse(${content})${texts}`];
    case "lines":
      return [`const texts = (${content}).split(/\\r\\n|\\n|\\r/).filter((line) => line.trim());`];
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

function lines(all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
