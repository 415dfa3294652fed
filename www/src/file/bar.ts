/** The tab's bars of progress. */

import { find } from "../dom.ts";

/** Fills a bar, from 0 to 1. */
export function fill(bar: HTMLElement, share: number): void {
  find("i", HTMLElement, bar).style.setProperty("--share", String(share));
  bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
}
