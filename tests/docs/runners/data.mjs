// Reads blocks of data, and compiles those of languages that only a build understands.

import assert from "node:assert/strict";
import { parse as parseToml } from "smol-toml";

/** Each data language, with a function that throws if a block can't be parsed. */
export const READERS = {
  json: (code) => void JSON.parse(code),
  jsonl: (code) => void lines(code).forEach((line) => JSON.parse(line)),
  toml: (code) => void parseToml(code),
  csv(code) {
    const counts = lines(code).map((line) => line.replace(/"(?:[^"]|"")*"/g, "").split(",").length);
    assert.deepEqual(new Set(counts).size, 1, `its lines have ${counts.join(", ")} fields`);
  },
  http(code) {
    for (const line of lines(code))
      assert.match(
        line,
        /^(?:[\w-]+: ?\S.*|(?:GET|POST|HEAD|PUT|DELETE) \S+.*|HTTP\/[\d.]+ \d{3}.*)$/,
        "it is no header",
      );
  },
  diff(code) {
    for (const line of code.split("\n"))
      assert.match(line, /^(?:[-+ @]|diff |index |$)/, "it is no line of a diff");
  },
};

/** Each language that is only compiled; the compilers are in the nested project of these tests. */
export const COMPILERS = {
  async css(code) {
    const { transform } = await import("esbuild");
    const { warnings } = await transform(code, { loader: "css" });
    assert.deepEqual(warnings, []);
  },
  async jsx(code) {
    const { transform } = await import("esbuild");
    await transform(code, { loader: "jsx", jsx: "automatic" });
  },
  async vue(code) {
    const { compileScript, parse } = await import("vue/compiler-sfc");
    const { descriptor, errors } = parse(code);
    assert.deepEqual(errors, []);
    if (descriptor.script || descriptor.scriptSetup) compileScript(descriptor, { id: "block" });
  },
  async svelte(code) {
    const { compile } = await import("svelte/compiler");
    compile(code, { generate: "client" });
  },
};

function lines(code) {
  return code.split("\n").filter((line) => line.trim() !== "");
}
