/** Keeps the keyboard focus in place while parts of the tab appear and disappear. */

/** Moves the focus if its element disappears. */
export interface Focus {
  /**
   * Makes a change. If that removes the focused element, the focus goes to the first of `takers` that can
   * have it, or else to the first control for the next step.
   */
  keep(change: () => void, ...takers: (Element | null)[]): void;
}

/** Keeps the focus within `panel`; `todo` lists the controls for the next step, most important first. */
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
