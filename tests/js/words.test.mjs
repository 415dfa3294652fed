// The lint of words: the phrases that it finds, their lines, and the text that it leaves alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findings, PHRASES } from "../../scripts/words.mjs";

/** For each phrase of the table, in its order: a text that contains it, and one that doesn't. */
const EXAMPLES = [
  ["a missing card is done without", "a missing card is not used"],
  ["does without where it fails", "works without it"],
  ["a second wish ends it", "we wish you luck"],
  ["the library's patience", "patients"],
  ["nothing is asked of you", "asked of"],
  ["whoever reads it", "who reads it"],
  ["the one who calls", "the one"],
  ["is held to a digest", "held together"],
  ["can't be had", "had to be"],
  ["is there alone", "is there"],
  ["what of it is left", "what is left of it"],
  ["tells of an error", "tells how"],
  ["goes by the name of", "goes by its name"],
  ["bears no int4", "it bears a name"],
  ["read anew", "a new one"],
  ["must be of one model", "one of the models"],
  ["is there already", "is already there"],
  ["take it as it was saved: all", "as it was saved by Python"],
  ["takes no input", "takes no more time"],
  ["again and again", "over and over"],
  ["nothing harms it", "nothing is harmed"],
  ["a text a line", "a line of text"],
  ["stands in for it", "a stand-in for it"],
  ["is no JSON", "there is no text"],
  ["gone on with", "go on"],
  ["is played here", "plays a sound"],
  ["software that plays a card", "software"],
  ["a row of so many bytes", "so many bytes"],
  ["takes so many seconds", "so many"],
  ["nobody knows where", "nobody called"],
];

test("each phrase is found, and similar texts are not", () => {
  assert.equal(EXAMPLES.length, PHRASES.length);
  for (const [i, [bad, good]] of EXAMPLES.entries()) {
    const [, instead] = PHRASES[i];
    assert.deepEqual(
      findings(bad).map((found) => found.instead),
      [instead],
      bad,
    );
    assert.deepEqual(findings(good), [], good);
  }
});

test("a phrase is found across lines of a comment, with its line", () => {
  for (const [begin, next] of [
    ["/** ", " * "],
    ["// ", "  // "],
    ["/// ", "    /// "],
    ["# ", "# "],
    ["", ""],
  ]) {
    const [found, ...others] = findings(`first\r\n${begin}A device is\r\n${next}Done without it.\r\n`);
    assert.deepEqual([found.line, found.found, others.length], [2, "is Done without", 0]);
  }
});

test("a blank line between paragraphs ends a phrase", () => {
  assert.deepEqual(findings("It is read by whom it is\n\ndone without"), []);
});
