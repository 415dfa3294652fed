/** Masks the entities of a text with placeholders, which can be put back into an answer. */

import { TabsenseError } from "../api/errors.js";
import { withoutOverlaps } from "./overlaps.js";
import type { Entity, MaskedEntity, MaskOptions, Redaction } from "./types.js";

/**
 * Masks entities of a text: those with one of `labels`, without overlaps (see {@link withoutOverlaps}).
 *
 * Throws a {@link TabsenseError} of kind `"invalid_argument"` for an entity outside the text, and for a
 * `replace` that doesn't return a string.
 */
export function redact(
  text: string,
  entities: readonly Entity[],
  { labels, replace }: MaskOptions = {},
): Redaction {
  for (const entity of entities) checkEntity(text, entity);
  const wanted = labels ? entities.filter(({ label }) => labels.includes(label)) : entities;
  const masked = placeholders(text, withoutOverlaps(text, wanted), replace);
  let at = 0;
  let out = "";
  for (const { start, end, placeholder } of masked) {
    out += text.slice(at, start) + placeholder;
    at = end;
  }
  out += text.slice(at);
  const first = new Map<string, MaskedEntity>();
  for (const entity of masked) if (!first.has(entity.placeholder)) first.set(entity.placeholder, entity);

  return {
    text: out,
    entities: masked,
    restore(answer, { strict = false } = {}) {
      checkAnswer(answer, "restore");
      checkUnique(text, { text: out, entities: masked }, first);
      const gone = strict ? missing(answer) : [];
      if (gone.length > 0) {
        const names = gone.map(({ placeholder }) => placeholder).join(", ");
        throw new TabsenseError(
          "invalid_argument",
          `The text to restore lacks ${gone.length} of ${first.size} placeholders: ${names}. Without strict: true, the others are restored.`,
        );
      }
      return putBack(answer, first);
    },
    missing(answer) {
      checkAnswer(answer, "missing");
      return missing(answer);
    },
  };

  function missing(answer: string): MaskedEntity[] {
    if (first.size === 0) return [];
    const seen = new Set(answer.match(anyOf([...first.keys()])));
    return [...first.values()].filter(({ placeholder }) => !seen.has(placeholder));
  }
}

/** Gives each entity its placeholder: equal values of a label have the same number. */
function placeholders(
  text: string,
  entities: readonly Entity[],
  replace: MaskOptions["replace"],
): MaskedEntity[] {
  const kinds = new Map<string, { numbers: Map<string, number>; last: number; own: boolean }>();
  return entities.map((entity) => {
    const kind = kinds.get(entity.label) ?? {
      numbers: new Map<string, number>(),
      last: 0,
      own: !replace && text.includes(`[${entity.label}_`),
    };
    kinds.set(entity.label, kind);
    let number = kind.numbers.get(entity.text);
    if (number === undefined) {
      number = kind.last + 1;
      // A placeholder that also occurs in the text would be mistaken for the entity's.
      while (kind.own && text.includes(`[${entity.label}_${number}]`)) number++;
      kind.numbers.set(entity.text, (kind.last = number));
    }
    const placeholder: unknown = replace ? replace({ ...entity }, number) : `[${entity.label}_${number}]`;
    if (typeof placeholder !== "string") {
      throw new TabsenseError(
        "invalid_argument",
        `replace returned ${placeholder === null ? "null" : typeof placeholder} for an entity with the label ${JSON.stringify(entity.label)}. It must return a string.`,
      );
    }
    return { ...entity, placeholder };
  });
}

function checkEntity(text: string, { label, start, end }: Entity): void {
  const places = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (typeof label === "string" && places && start >= 0 && start < end && end <= text.length) return;
  throw new TabsenseError(
    "invalid_argument",
    `An entity from ${start} to ${end} is outside a text of ${text.length} characters. Pass entities of this text: { label, start, end }, as tag returns them.`,
  );
}

function checkAnswer(answer: unknown, name: string): void {
  if (typeof answer === "string") return;
  throw new TabsenseError(
    "invalid_argument",
    `${name} needs a string, not ${answer === null ? "null" : typeof answer}.`,
  );
}

/**
 * Throws if replacing the placeholders of the masked text doesn't restore the text. `first` is an entity for
 * each placeholder.
 */
function checkUnique(
  text: string,
  { text: masked, entities }: Pick<Redaction, "text" | "entities">,
  first: ReadonlyMap<string, Entity>,
): void {
  const why = (placeholder: string, reason: string) =>
    new TabsenseError(
      "invalid_argument",
      `This can't be restored: the placeholder ${JSON.stringify(placeholder)} ${reason}. Let replace return a different one for each value: (entity, number) => \`[\${entity.label}_\${number}]\`.`,
    );
  for (const { placeholder, text: value } of entities) {
    if (placeholder === "") throw why(placeholder, "is empty");
    if (first.get(placeholder)!.text !== value) throw why(placeholder, "stands for different values");
  }
  if (putBack(masked, first) === text) return;
  const rest = entities.reduceRight(
    (rest, { start, end }) => `${rest.slice(0, start)}\n${rest.slice(end)}`,
    text,
  );
  const own = [...first.keys()].find((placeholder) => rest.includes(placeholder)) ?? [...first.keys()][0]!;
  throw why(own, "also occurs in the text, alone or joined with the text around it");
}

function putBack(text: string, first: ReadonlyMap<string, Entity>): string {
  if (first.size === 0) return text;
  return text.replace(anyOf([...first.keys()]), (placeholder) => first.get(placeholder)!.text);
}

/** Matches any of the texts; if one begins with another, the longer one. */
function anyOf(texts: readonly string[]): RegExp {
  const longest = [...texts].sort((a, b) => b.length - a.length);
  return new RegExp(longest.map((text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&")).join("|"), "g");
}
