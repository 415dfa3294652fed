// The names that a block may use without declaring them. A reader knows them from the surrounding text; the
// tests put their definitions before the block.
//
// `js` blocks get a line of code, `ts` blocks the same names as declarations, which a block's own names
// shadow.

import ts from "typescript";

/** The package's exports that are values. */
const EXPORTS = ["Classifier", "TabsenseError", "ERROR_KINDS", "pipeline"];

/** Each name, in the order of creation: its code, its type, and the export that the code needs. */
const NAMES = {
  source: { code: `"/models/sentiment-en/"`, type: "string" },
  text: { code: `"A delight from start to finish."`, type: "string" },
  texts: {
    code: `["A delight from start to finish.", "A waste of two hours."]`,
    type: "string[]",
  },
  controller: { code: "new AbortController()", type: "AbortController" },
  signal: { code: "new AbortController().signal", type: "AbortSignal" },
  classifier: {
    code: `await Classifier.load("/models/sentiment-en/")`,
    type: `import("tabsense").Classifier`,
    needs: "Classifier",
  },
};

/** Elements that a page would have, by the name that a block gives them. */
const ELEMENTS = ["form", "input", "textarea", "output", "button", "progress"];

/** TypeScript's error codes for an undeclared name: plain, with a suggestion, and as `{ name }`. */
const NO_SUCH_NAME = [2304, 2552, 18004];

/**
 * The code to put before a `js` block, as one line. `exported`: the names that the package exports; `dom`:
 * whether there is a page.
 */
export function preludeOf(code, { exported, dom }) {
  const free = freeNames(code);
  const names = Object.keys(NAMES).filter((name) => free.has(name));
  const values = EXPORTS.filter(
    (name) =>
      exported.includes(name) &&
      (free.has(name) || (names.some((one) => NAMES[one].needs === name) && !declares(code, name))),
  );
  return [
    ...(values.length > 0 ? [`import { ${values.join(", ")} } from "tabsense";`] : []),
    ...names.map((name) => `const ${name} = ${NAMES[name].code};`),
    ...(dom ? ELEMENTS : [])
      .filter((name) => free.has(name))
      .map((name) => `const ${name} = document.body.appendChild(document.createElement("${name}"));`),
  ].join(" ");
}

/** The declarations for all `ts` blocks. */
export function declarations(exported) {
  return [
    ...EXPORTS.filter((name) => exported.includes(name)).map(
      (name) => `declare const ${name}: typeof import("tabsense").${name};`,
    ),
    `type Classifier = import("tabsense").Classifier;`,
    ...Object.entries(NAMES).map(([name, { type }]) => `declare const ${name}: ${type};`),
    ...ELEMENTS.map((name) => `declare const ${name}: HTMLElementTagNameMap["${name}"];`),
    `declare module "@huggingface/transformers";`,
    "",
  ].join("\n");
}

/** The names that a block uses without declaring them, globals included. */
function freeNames(code) {
  const { program, file } = analysed(code);
  const unknown = program.getSemanticDiagnostics(file).filter((one) => NO_SUCH_NAME.includes(one.code));
  return new Set(unknown.map(({ start, length }) => code.slice(start, start + length)));
}

function declares(code, name) {
  const { file } = analysed(code);
  return file.statements.some(
    (one) =>
      ts.isImportDeclaration(one) &&
      one.importClause?.namedBindings?.elements?.some((each) => each.name.text === name),
  );
}

/** Parses a block without any library: every name that it doesn't declare itself is unknown. */
function analysed(code) {
  const name = "block.ts"; // in a .js file, `output.value = 1` would declare `output`
  const file = ts.createSourceFile(name, code, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TS);
  const host = {
    fileExists: (path) => path === name,
    readFile: () => undefined,
    getSourceFile: (path) => (path === name ? file : undefined),
    getDefaultLibFileName: () => "",
    getCurrentDirectory: () => "",
    getCanonicalFileName: (path) => path,
    getNewLine: () => "\n",
    useCaseSensitiveFileNames: () => true,
    writeFile: () => {},
  };
  const options = {
    noLib: true,
    noResolve: true,
    types: [],
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
  };
  return { file, program: ts.createProgram([name], options, host) };
}
