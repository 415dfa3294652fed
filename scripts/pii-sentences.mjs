// The marked sentences of test_data/pii, and how entities are counted against them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./run.mjs";

/**
 * The sentences' label for each of the model's labels; the patterns' labels are the same as the sentences'.
 */
export const LABELS = {
  GIVEN_NAME: "NAME",
  SURNAME: "NAME",
  BUILDING_NUMBER: "ADDRESS",
  STREET_NAME: "ADDRESS",
  SECONDARY_ADDRESS: "ADDRESS",
  CITY: "ADDRESS",
  STATE: "ADDRESS",
  ZIP_CODE: "ADDRESS",
  TAX_ID: "ID",
  GOVERNMENT_ID: "ID",
  PASSPORT: "ID",
  DRIVERS_LICENSE: "ID",
  BANK_ACCOUNT: "ACCOUNT",
  ROUTING_NUMBER: "ACCOUNT",
};

/** A line with its marks, `"Call [NAME Ana]"`, as `{ text, entities }`. */
export function parseSentence(line) {
  const entities = [];
  let text = "";
  let at = 0;
  for (const { 0: mark, 1: label, 2: part, index } of line.matchAll(/\[([A-Z]+) ([^\]]+)\]/g)) {
    text += line.slice(at, index);
    entities.push({ label, start: text.length, end: text.length + part.length, text: part });
    text += part;
    at = index + mark.length;
  }
  return { text: text + line.slice(at), entities };
}

/** All sentences. */
export function readSentences() {
  const lines = readFileSync(join(ROOT, "test_data/pii/sentences.txt"), "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map(parseSentence);
}

/**
 * Counts by label how the entities of sentences were masked: `found` if all letters and digits are, under any
 * label (`other` of them under one that means something else), `partly`, `missed`; `alarms`: masked parts
 * that have no letter or digit of an entity. `masked`: the entities that were masked, one list per sentence.
 */
export function count(sentences, masked) {
  const counts = {};
  const of = (label) => (counts[label] ??= { there: 0, found: 0, other: 0, partly: 0, missed: 0, alarms: 0 });
  for (const [i, { text, entities }] of sentences.entries()) {
    const spans = masked[i].map((span) => ({ ...span, label: LABELS[span.label] ?? span.label }));
    const places = ({ start, end }) =>
      Array.from({ length: end - start }, (_, i) => start + i).filter((at) => /[\p{L}\p{N}]/u.test(text[at]));
    const covering = (at) => spans.find(({ start, end }) => start <= at && at < end);
    for (const entity of entities) {
      const all = places(entity);
      const covered = all.map(covering).filter((span) => span !== undefined);
      const counted = of(entity.label);
      counted.there++;
      if (covered.length === 0) counted.missed++;
      else if (covered.length < all.length) counted.partly++;
      else {
        counted.found++;
        if (covered.some(({ label }) => label !== entity.label)) counted.other++;
      }
    }
    for (const span of spans) {
      const touches = places(span).some((at) => entities.some(({ start, end }) => start <= at && at < end));
      if (!touches) of(span.label).alarms++;
    }
  }
  return counts;
}

/** The counts as the rows of a table: one per label, and one for all. */
export function table(counts) {
  const order = ["NAME", "PHONE", "EMAIL", "ADDRESS", "CARD", "IBAN", "ACCOUNT", "ID", "URL", "IP"];
  const rows = order.flatMap((label) => (counts[label] ? [[label, counts[label]]] : []));
  const all = Object.values(counts).reduce((sum, each) =>
    Object.fromEntries(Object.entries(each).map(([key, value]) => [key, value + sum[key]])),
  );
  return [...rows, ["all", all]];
}
