/** Shows entities: marked in the text, as placeholders in the masked text, and as a list to move through. */

import type { MaskedEntity } from "tabsense";
import { make } from "../dom.ts";
import { percent } from "../format.ts";
import { kindOf, wordsOf } from "./kinds.ts";

/** A part of a text, with the index of its entity; null between entities. */
export interface Piece {
  text: string;
  entity: number | null;
}

/** The text cut at its entities. */
export function pieces(text: string, entities: readonly MaskedEntity[]): Piece[] {
  const cut: Piece[] = [];
  let at = 0;
  entities.forEach(({ start, end }, entity) => {
    cut.push({ text: text.slice(at, start), entity: null }, { text: text.slice(start, end), entity });
    at = end;
  });
  return [...cut, { text: text.slice(at), entity: null }].filter((piece) => piece.text !== "");
}

/** The masked text cut at its placeholders. */
export function maskedPieces(text: string, entities: readonly MaskedEntity[]): Piece[] {
  return pieces(text, entities).map(({ text: part, entity }) => ({
    text: entity === null ? part : (entities[entity]?.placeholder ?? part),
    entity,
  }));
}

/**
 * A text cut at each placeholder or value that `of` returns, at the longer one if one begins with another.
 */
export function cutAt(
  text: string,
  entities: readonly MaskedEntity[],
  of: (entity: MaskedEntity) => string,
): Piece[] {
  const values = [...new Set(entities.map(of))].filter(Boolean).sort((a, b) => b.length - a.length);
  if (values.length === 0) return text === "" ? [] : [{ text, entity: null }];
  const any = new RegExp(
    `(${values.map((value) => value.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&")).join("|")})`,
    "g",
  );
  return text
    .split(any)
    .map((part, at) => ({
      text: part,
      entity: at % 2 === 1 ? entities.findIndex((entity) => of(entity) === part) : null,
    }))
    .filter((piece) => piece.text !== "");
}

/** The pieces as nodes; each entity is a `mark` of its kind. */
export function marked(found: readonly Piece[], entities: readonly MaskedEntity[]): (string | HTMLElement)[] {
  return found.map(({ text, entity }) => {
    const { label } = (entity === null ? undefined : entities[entity]) ?? {};
    if (entity === null || label === undefined) return text;
    const mark = make("mark", "", text);
    mark.dataset.kind = kindOf(label);
    mark.dataset.entity = String(entity);
    return mark;
  });
}

/** An entity of the list. */
export function chip(entity: MaskedEntity, place: number): HTMLLIElement {
  const item = make("li");
  const button = make("button");
  button.type = "button";
  button.tabIndex = place === 0 ? 0 : -1;
  button.dataset.entity = String(place);
  button.dataset.kind = kindOf(entity.label);
  button.setAttribute("aria-label", describe(entity));
  button.append(make("b", "", wordsOf(entity.label)), make("span", "", entity.text));
  item.append(button);
  return item;
}

/** What an entity is and what found it. */
export function describe({ label, text, score, source, pattern, placeholder }: MaskedEntity): string {
  const by =
    source === "pattern" ? `found by the pattern ${pattern ?? ""}` : `found by the model, ${percent(score)}`;
  const words = wordsOf(label);
  return `${text} is ${/^[aeiouI]/.test(words) ? "an" : "a"} ${words}, ${by.trim()}; masked as ${placeholder}`;
}
