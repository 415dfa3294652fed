/** Keeps the keyboard's place while parts of the tab come and go. */

/** What gets the focus where its element has gone. */
export interface Focus {
  /**
   * Makes a change. Where that takes away what had the focus, the first of `takers` that can have it gets it,
   * or else the first of what there is to do now.
   */
  keep(change: () => void, ...takers: (Element | null)[]): void;
}

/** Keeps the focus within `panel`; `todo` lists what there is to do, first things first. */
export function keepFocus(panel: HTMLElement, todo: () => (Element | null)[]): Focus {
  return {
    keep(change, ...takers) {
      const held = document.activeElement;
      change();
      if (!held || !panel.contains(held) || usable(held)) return;
      const taker = [...takers, ...todo()].find(usable);
      if (taker instanceof HTMLElement) taker.focus();
    },
  };
}

function usable(element: Element | null): boolean {
  return element?.checkVisibility() === true && !element.matches(":disabled");
}
