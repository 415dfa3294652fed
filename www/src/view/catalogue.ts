/** The models to pick from by name. */

import { CATALOGUE, findModel, type ListedModel } from "../catalogue.ts";
import { make, part } from "../dom.ts";
import { bytes } from "../format.ts";

/** The list, as the page uses it. */
export interface CatalogueView {
  /** Shows the model with that name as the chosen one, or that it isn't in the list. */
  mark(name: string | null): void;
}

/** Fills the list; `pick` is called with the name of the model that is chosen. */
export function wireCatalogue(pick: (name: string) => void): CatalogueView {
  const select = part("catalogue", HTMLSelectElement);
  const about = part("catalogue-about", HTMLElement);
  const other = new Option("Another model", "");
  other.hidden = true; // it says what is loaded, and can't be picked
  select.append(other);
  for (const { name, models } of CATALOGUE) {
    const group = make("optgroup");
    group.label = name;
    group.append(...models.map((model) => new Option(titleOf(model), model.name)));
    select.append(group);
  }

  const mark = (name: string | null): void => {
    const model = findModel(name ?? "");
    select.value = model?.name ?? "";
    about.textContent = model ? aboutOf(model) : "Not in this list.";
  };
  select.addEventListener("change", () => {
    mark(select.value);
    pick(select.value);
  });
  return { mark };
}

function titleOf({ name, summary }: ListedModel): string {
  return `${name.split("/").at(-1)}: ${summary}`;
}

function aboutOf({ summary, architecture, bytes: size, own }: ListedModel): string {
  const download = own
    ? `${bytes(size)}, included in this page`
    : `up to ${bytes(size)}, stored on this device`;
  return `${summary}. ${architecture}, ${download}.`;
}
