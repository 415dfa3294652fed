/** The list of found entities: pointing at one, or moving to it, shows its place and what found it. */

import type { MaskedEntity } from "tabsense";
import { part } from "../dom.ts";
import { counted } from "../format.ts";
import { chip, describe } from "./marks.ts";

const HINT = "Hover over one, or use the arrow keys, to see what found it.";
const ANNOUNCE_AFTER_MS = 900; // a pause in typing, so that a screen reader is not flooded

/** Shows entities. */
export interface EntityList {
  /** `known`: whether a text was analysed. */
  show(entities: readonly MaskedEntity[], known: boolean): void;
}

/** Wires the list, and the `texts` in which entities are marked. */
export function wireList(texts: Iterable<Element>): EntityList {
  const list = part("redact-entities", HTMLOListElement);
  const detail = part("redact-detail", HTMLElement);
  const all = [...texts];
  let entities: readonly MaskedEntity[] = [];
  let timer = 0;

  const mark = (place: number | null): void => {
    const entity = place === null ? undefined : entities[place];
    detail.textContent = entity ? describe(entity) : entities.length > 0 ? HINT : "";
    for (const element of [list, ...all].flatMap((text) => [...text.querySelectorAll("[data-entity]")])) {
      const its = entities[Number(element.getAttribute("data-entity"))];
      element.classList.toggle("now", entity !== undefined && its?.placeholder === entity.placeholder);
    }
  };
  const focus = (place: number): void => {
    const buttons = [...list.querySelectorAll("button")];
    buttons.forEach((button, at) => (button.tabIndex = at === place ? 0 : -1));
    buttons[place]?.focus();
  };

  for (const box of [list, ...all]) {
    box.addEventListener("pointerover", ({ target }) => mark(placeOf(target)));
    box.addEventListener("pointerleave", () => mark(placeOf(document.activeElement)));
  }
  list.addEventListener("focusin", ({ target }) => mark(placeOf(target)));
  list.addEventListener("focusout", () => mark(null));
  list.addEventListener("keydown", (event) => {
    const at = placeOf(event.target);
    if (at === null) return;
    const last = entities.length - 1;
    const steps: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    focus(Math.min(Math.max(next, 0), last));
  });

  return {
    show(next, known) {
      const focused = list.contains(document.activeElement) ? placeOf(document.activeElement) : null;
      entities = next;
      list.replaceChildren(...next.map(chip));
      list.dataset.state = !known ? "idle" : next.length === 0 ? "none" : "ready";
      mark(null);
      if (focused !== null) focus(Math.min(focused, next.length - 1));
      clearTimeout(timer);
      const words = known ? `${counted(next.length, "entity", "entities")} found` : "";
      timer = window.setTimeout(
        () => (part("redact-announce", HTMLElement).textContent = words),
        ANNOUNCE_AFTER_MS,
      );
    },
  };
}

function placeOf(target: EventTarget | null): number | null {
  const place =
    target instanceof Element ? target.closest("[data-entity]")?.getAttribute("data-entity") : null;
  return place == null ? null : Number(place);
}
