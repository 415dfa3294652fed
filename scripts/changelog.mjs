// CHANGELOG.md as data. `node scripts/changelog.mjs 0.2.0` prints the notes of a release.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, ROOT } from "./run.mjs";

/** The heading of what is not released yet: `## Unreleased`, or `## 0.1.0 (unreleased)`. */
const UNRELEASED = /^## (?:Unreleased|\S+ \(unreleased\))$/m;

/** The text after a heading of level two, up to the next one; null if there is no such heading. */
function below(text, heading) {
  const found = heading.exec(text);
  if (!found) return null;
  return text
    .slice(found.index + found[0].length)
    .split(/^## /m)[0]
    .trim();
}

/** Why nothing can be released, as a sentence; null if something can. */
export function changelogFault(text) {
  const body = below(text, UNRELEASED);
  if (body === null) return 'CHANGELOG.md has no section "## Unreleased". Add it with what has changed.';
  if (!/^- \S/m.test(body)) return 'CHANGELOG.md has no entry under "## Unreleased". Add what has changed.';
  return null;
}

/** The changelog once `version` is released on `date`: its section has both, with an empty one above. */
export function withRelease(text, version, date) {
  return text.replace(UNRELEASED, () => `## Unreleased\n\n## ${version} (${date})`);
}

/** The text of a release's section, for its notes. */
export function notes(text, version) {
  const body = below(text, new RegExp(`^## ${version.replace(/[.+]/g, "\\$&")} \\([\\d-]+\\)$`, "m"));
  if (!body) throw new Failure(`CHANGELOG.md has no release ${version}.`);
  return body;
}

await main(import.meta.url, ([version]) => {
  if (!version) throw new Failure("Name the release: node scripts/changelog.mjs 0.2.0");
  console.log(notes(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"), version));
});
