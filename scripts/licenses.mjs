// The licenses of the code that is compiled or bundled into the package, for dist/: texts that must accompany
// the code. Code that may be used under Apache-2.0 needs no separate text: LICENSE has it.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "./run.mjs";
import { crateMetadata, sbom } from "./sbom.mjs";

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** Whether each part of a license expression may be Apache-2.0. */
export const isApache = (expression) =>
  expression.split(" AND ").every((part) => part.includes("Apache-2.0"));

/** The text of dist/THIRD-PARTY-LICENSES.txt. */
export async function licenses() {
  const { components } = await sbom();
  const { packages } = crateMetadata();
  const line = ({ name, version, licenses: [{ expression }] }) => `${name} ${version} (${expression})`;
  const texts = components
    .filter(({ licenses: [{ expression }] }) => !isApache(expression))
    .map((component) => `${"=".repeat(80)}\n${line(component)}\n\n${textOf(component, packages)}`);
  return [
    "This package contains code of these projects. Those that offer Apache-2.0 are used under it: see LICENSE.",
    "The licenses of the others follow the list.",
    `\n${components.map(line).join("\n")}\n`,
    ...texts,
  ].join("\n");
}

/** The text of a library's license files, or of the license that it names, with its authors. */
function textOf({ name, version, purl, licenses: [{ expression }] }, packages) {
  const crate = packages.find((one) => one.name === name && one.version === version);
  const isCrate = purl.startsWith("pkg:cargo/");
  const folder = isCrate ? dirname(crate.manifest_path) : join(ROOT, "node_modules", name);
  const texts = readdirSync(folder)
    .filter((file) => /^(?:licen[cs]e|copying)/i.test(file) && !/apache/i.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  const source = isCrate ? `Source: ${crate.repository}\n\n` : "";
  if (texts.length > 0) return `${source}${texts.join("\n\n")}\n`;
  if (expression !== "MIT") throw new Error(`${name} comes without its license (${expression}).`);
  return `${source}Copyright (c) ${crate.authors.join(", ") || `the authors of ${name}`}\n\n${MIT}\n`;
}
