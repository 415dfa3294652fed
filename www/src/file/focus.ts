/** Keeps the keyboard focus in place while parts of the tab appear and disappear. */

/** Moves the focus if its element disappears. */
export interface Focus {
  /**
   * Makes a change. If that removes the focused element, the focus goes to the first of `candidates` that can
   * have it, or else to the first control for the next step.
   */
  keep(change: () => void, ...candidates: (Element | null)[]): void;
}

/** Keeps the focus within `panel`; `todo` lists the controls for the next step, most important first. */
export function keepFocus(panel: HTMLElement, todo: () => (Element | null)[]): Focus {
  return {
    keep(change, ...candidates) {
      const focused = document.activeElement;
      change();
      if (!focused || !panel.contains(focused) || isFocusable(focused)) return;
      const next = [...candidates, ...todo()].find(isFocusable);
      if (next instanceof HTMLElement) next.focus();
    },
  };
}

function isFocusable(element: Element | null): boolean {
  return element?.checkVisibility() === true && !element.matches(":disabled");
}
