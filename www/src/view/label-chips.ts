/** Labels as chips: one may be pressed, each can be removed, and a field adds another. */

import { make } from "../dom.ts";

/** The events of a list of labels. */
export interface LabelEvents {
  /** Labels were typed or pasted; returns why they are not accepted, or undefined. */
  added(names: readonly string[]): string | undefined;
  removed(name: string): void;
  /** A chip was pressed; without this, chips can't be pressed. */
  chosen?(name: string): void;
}

/** A label as it is shown. */
export interface Chip {
  name: string;
  /** What follows its name, such as a count. */
  note?: string;
}

/** The labels on show. */
export class LabelChips {
  readonly #list = make("ul", "label-chips");
  readonly #field = make("input");
  readonly #problem = make("p", "label-why");
  readonly #announce = make("p", "visually-hidden");
  #names: string[] = [];
  #signature = "";

  /**
   * Fills `box`, whose `data-testid` is the prefix of the parts'; `name` is the list's
   * name for screen readers.
   */
  constructor(
    box: HTMLElement,
    name: string,
    private readonly events: LabelEvents,
  ) {
    const id = box.dataset.testid ?? "";
    this.#list.setAttribute("aria-label", name);
    this.#list.dataset.testid = `${id}-list`;
    const form = make("form", "label-add");
    form.noValidate = true;
    this.#field.type = "text";
    this.#field.maxLength = 200;
    this.#field.autocomplete = "off";
    this.#field.placeholder = "Add a label";
    this.#field.setAttribute("aria-label", "Add a label; several with commas between them");
    this.#field.dataset.testid = `${id}-field`;
    this.#problem.dataset.testid = `${id}-why`;
    this.#problem.setAttribute("role", "status");
    this.#announce.setAttribute("role", "status");
    const add = make("button", "quiet", "Add");
    add.dataset.testid = `${id}-add`;
    form.append(this.#field, add);
    box.append(this.#list, form, this.#problem, this.#announce);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
    this.#field.addEventListener("keydown", (event) => {
      if (event.key === "Backspace" && this.#field.value === "") {
        event.preventDefault();
        this.#focus(this.#names.length - 1);
      }
    });
    this.#list.addEventListener("click", (event) => this.#click(event));
    this.#list.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Shows `chips`, of which `chosen` is pressed. */
  show(chips: readonly Chip[], chosen: string | null = null): void {
    const signature = JSON.stringify([chips, chosen]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    const focused = this.#placeOf(document.activeElement);
    this.#names = chips.map(({ name }) => name);
    const first = chosen === null ? 0 : Math.max(0, this.#names.indexOf(chosen));
    this.#list.replaceChildren(...chips.map((chip, at) => this.#chip(chip, at === first, chosen)));
    if (focused === null) return;
    if (this.#names.length > 0) this.#focus(Math.min(focused, this.#names.length - 1));
    else this.#field.focus();
  }

  #chip({ name, note }: Chip, reachable: boolean, chosen: string | null): HTMLLIElement {
    const item = make("li");
    const press = make("button", "label-name");
    press.type = "button";
    press.tabIndex = reachable ? 0 : -1;
    press.append(make("span", "", name));
    if (note !== undefined) press.append(make("span", "label-note", note));
    press.title = name;
    if (this.events.chosen) press.setAttribute("aria-pressed", String(name === chosen));
    const remove = make("button", "label-remove");
    remove.type = "button";
    remove.tabIndex = -1; // the Delete key does the same on the chip
    remove.setAttribute("aria-label", `Remove ${name}`);
    item.append(press, remove);
    return item;
  }

  #add(): void {
    const names = this.#field.value
      .split(/[,\n]/)
      .map((name) => name.trim())
      .filter((name, at, all) => name !== "" && all.indexOf(name) === at);
    const why = names.length === 0 ? undefined : this.events.added(names);
    this.#problem.textContent = why ?? "";
    if (why === undefined) this.#field.value = "";
    this.#field.focus();
  }

  #click({ target }: Event): void {
    const at = this.#placeOf(target);
    const name = at === null ? undefined : this.#names[at];
    if (name === undefined || !(target instanceof Element)) return;
    if (target.closest(".label-remove")) this.#remove(name);
    else this.events.chosen?.(name);
  }

  #remove(name: string): void {
    this.#problem.textContent = "";
    this.#announce.textContent = `${name} removed`;
    this.events.removed(name);
  }

  #walk(event: KeyboardEvent): void {
    const at = this.#placeOf(event.target);
    if (at === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.#names.length - 1;
    const name = this.#names[at];
    if ((event.key === "Delete" || event.key === "Backspace") && name !== undefined) {
      event.preventDefault();
      this.#remove(name);
      return;
    }
    const steps: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    if (next > last) this.#field.focus();
    else this.#focus(Math.max(next, 0));
  }

  /** Only one chip is in the Tab order; the arrow keys change which. */
  #focus(at: number): void {
    const all = [...this.#list.querySelectorAll<HTMLButtonElement>(".label-name")];
    all.forEach((button, place) => (button.tabIndex = place === at ? 0 : -1));
    all[at]?.focus();
  }

  #placeOf(target: EventTarget | null): number | null {
    const item = target instanceof Element ? target.closest("li") : null;
    return item?.parentElement === this.#list ? [...this.#list.children].indexOf(item) : null;
  }
}
