// Words and phrases that must not come back in any text of this project: `node scripts/words.mjs`. A part of the
// suite `lint`.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, output, ROOT } from "./run.mjs";

/** The files that are read: documents, and the comments, strings and names in code. */
const TEXT = /\.(md|html|rs|ts|mjs|js|svelte|vue|py|wgsl|toml|yml)$/;

/** The files that are not read: this table and its test. */
const EXEMPT = ["scripts/words.mjs", "tests/js/words.test.mjs"];

/** Each phrase, what to write instead, and why. Letter case doesn't matter, and a space is also a line break. */
export const PHRASES = [
  [/\b(is|are|be|was|were) done without/, "is not used; falls back to …", "say what happens"],
  [/\bdo(es)? without where/, "skips … if", "say what happens"],
  [/\b(a|second|same|its|own|later) wish\b/, "a signal, an option, a preference", "programs don't wish"],
  [/\bpatience\b/, "timeout", "the field's term"],
  [/\b(is|are|was|were) asked of\b/, "is required, is requested from", "active voice"],
  [/\bwhoever\b/, "the caller, the user, the reader", "name the party"],
  [/\b(the|for the) one who\b/, "the caller, the user, the reader", "name the party"],
  [/\b(is|are|was|were|be) held to\b/, "is checked against, is compared with", "the field's term"],
  [/\b(can't|cannot|could not|couldn't|can|to) be had\b/, "can't be read, loaded, allocated", "say which"],
  [/\bis there alone\b/, "is the only one", "translated"],
  [/\bwhat of (it|a|an|the|its|them|each|another)\b/, "the parts of … that", "translated"],
  [/\b(to )?tells? of\b/, "reports, describes, declares", "translated"],
  [/\bgo(es)? by the name\b/, "is named", "translated"],
  [/\bbears? (no )?(int|it\b)/, "supports", "translated"],
  [/(?<!\] )\banew\b/, "again", "archaic"],
  [/\b(is|are|must be) of one (checkpoint|model)\b/, "is from the same …", "translated"],
  [/\bis there already\b/, "already exists", "translated"],
  [/\bas it was saved:/, "the original file", "translated"],
  [/\btakes no (sharded|input)\b/, "doesn't support", "translated"],
  [/(?<!and )\bagain and again\b(?! and)/, "repeatedly", "plain"],
  [/\bnothing harms\b/, "nothing breaks", "translated"],
  [/\ba text a line\b/, "one text per line", "translated"],
  [/\bstands? in (for|where|no)\b/, "replaces, is used instead of", "say what happens"],
  [/(?<!there )\b(is|are) no (JSON|pattern|object|number|text|list|string|array)\b/, "is not a …", "plain"],
  [/\bgone on with\b/, "continued, resumed", "the field's term"],
  [/\b(is|are) played (here|in)\b/, "is simulated, is run", "the field's term"],
  [/\bsoftware that plays\b/, "software adapter", "the field's term"],
  [/\b(of|in|at) so many\b/, "of `n` …, of this many", "translated"],
  [/\b(takes|within) so many\b/, "takes this many", "translated"],
  [/\bnobody (knows|needs|uses|takes|holds) (what|it|where|any)\b/, "is unknown, is unused", "plain"],
];

/**
 * `text` with spaces in place of line breaks and the marks that begin the next line of a comment: a phrase
 * may extend over them, but not over an empty line.
 */
const flattened = (text) =>
  text.replace(/(?:\r?\n[ \t]*(?:\/\/[/!]?|\*|#+|>)?[ \t]*)+/g, (gap) =>
    (gap.split("\n").length === 2 ? " " : "\0").repeat(gap.length),
  );

/** The places of phrases in `text`, as `{ line, found, instead, why }`. */
export function findings(text) {
  const flat = flattened(text);
  return PHRASES.flatMap(([{ source }, instead, why]) =>
    [...flat.matchAll(new RegExp(source.replaceAll(" ", "\\s+"), "gi"))].map(({ index, 0: match }) => ({
      line: text.slice(0, index).split("\n").length,
      found: match.replace(/\s+/g, " "),
      instead,
      why,
    })),
  );
}

/** A line for each place of a phrase in the project's texts. */
export function check() {
  const listed = output("git", ["ls-files", "--cached", "--others", "--exclude-standard"]);
  if (listed === null) throw new Failure("The files could not be listed by git. Run this in a clone.");
  return listed
    .split("\n")
    .filter((path) => TEXT.test(path) && !EXEMPT.includes(path) && existsSync(join(ROOT, path)))
    .flatMap((path) =>
      findings(readFileSync(join(ROOT, path), "utf8")).map(
        ({ line, found, instead, why }) => `${path}:${line}: "${found}": write "${instead}" (${why})`,
      ),
    );
}

await main(import.meta.url, () => {
  const found = check();
  for (const place of found) console.error(place);
  if (found.length > 0) throw new Failure(`${found.length} phrases to reword.`);
});
