/** The list of models to pick from. */

import { CATALOGUE, type Listed } from "../catalogue.ts";
import { make, part } from "../dom.ts";
import { bytes } from "../format.ts";

/** The list's side of the page. */
export interface CatalogueView {
  /** Marks the model of that name as the one in use, or none. */
  mark(name: string | null): void;
}

/** Fills the list; `pick` is called with the name of the model that is chosen. */
export function wireCatalogue(pick: (name: string) => void): CatalogueView {
  const list = part("catalogue-list", HTMLElement);
  const buttons = new Map<string, HTMLButtonElement>();
  for (const { name, models } of CATALOGUE) {
    const title = make("h3", "note", name);
    title.id = `catalogue-${buttons.size}`;
    const entries = make("ul");
    entries.setAttribute("aria-labelledby", title.id);
    for (const model of models) {
      const button = entry(model);
      button.addEventListener("click", () => pick(model.name));
      buttons.set(model.name, button);
      const item = make("li");
      item.append(button);
      entries.append(item);
    }
    list.append(title, entries);
  }
  return {
    mark: (name) => {
      for (const [own, button] of buttons) {
        if (own === name) button.setAttribute("aria-current", "true");
        else button.removeAttribute("aria-current");
      }
    },
  };
}

function entry({ name, tells, architecture, bytes: size }: Listed): HTMLButtonElement {
  const button = make("button", "entry");
  button.type = "button";
  button.dataset.model = name;
  // Spaces keep the parts apart where they are read as one name.
  button.append(
    make("span", "entry-tells", tells),
    " ",
    make("span", "entry-size", bytes(size)),
    " ",
    make("span", "entry-name", name),
    " ",
    make("span", "entry-kind", architecture),
  );
  return button;
}
