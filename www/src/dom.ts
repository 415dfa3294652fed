/** Finding and making elements; the page's structure itself is in its HTML files. */

import { trustedMarkup } from "./trusted.ts";

type Constructor<E extends Element> = abstract new (...args: never[]) => E;

/** The one element marked `data-testid="id"`, checked to be of `type`. */
export function part<E extends Element>(id: string, type: Constructor<E>): E {
  return find(`[data-testid="${id}"]`, type);
}

/** The first element that matches `selector`, checked to be of `type`. */
export function find<E extends Element>(
  selector: string,
  type: Constructor<E>,
  within: ParentNode = document,
): E {
  const element = within.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} for ${selector}`);
  return element;
}

/** Appends a tab's markup, a file of this page, to `panel`, and returns `panel`. */
export function filled(panel: HTMLElement, markup: string): HTMLElement {
  panel.insertAdjacentHTML("beforeend", trustedMarkup(markup));
  return panel;
}

/** A new HTML element with a class and a text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
