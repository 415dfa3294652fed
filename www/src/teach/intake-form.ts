/** The form that asks which columns of a table contain the examples. */

import { part } from "../dom.ts";
import { FileProblem } from "../file/reading.ts";
import type { Table } from "../file/table.ts";
import { examplesOf, guessColumns, intakeWords } from "./intake.ts";
import type { Example } from "./lesson.ts";

/** The form, as the tab uses it. */
export interface Intake {
  /** Asks about a table. Throws a {@link FileProblem} for one that can't contain examples. */
  open(table: Table): void;
  close(): void;
}

/** Wires the form; `take` receives the examples, which replace all others (`fresh`) or are added to them. */
export function wireIntake({ take }: { take(examples: Example[], fresh: boolean): void }): Intake {
  const form = part("teach-intake", HTMLFormElement);
  const text = part("teach-intake-text", HTMLSelectElement);
  const label = part("teach-intake-label", HTMLSelectElement);
  const buttons = ["take", "add"].map((name) => part(`teach-intake-${name}`, HTMLButtonElement));
  let table: Table | null = null;
  let examples: Example[] = [];

  const count = (): void => {
    if (!table) return;
    const same = text.value === label.value;
    examples = same ? [] : examplesOf(table, { text: Number(text.value), label: Number(label.value) });
    part("teach-intake-words", HTMLElement).textContent = same
      ? "Texts and labels must be in different columns. Choose another one."
      : intakeWords(table.name, examples, table.rows.length);
    for (const button of buttons) button.disabled = examples.length === 0;
  };
  const close = (): void => {
    const focused = form.contains(document.activeElement);
    table = null;
    examples = [];
    form.hidden = true;
    if (focused) part("teach-file", HTMLElement).focus();
  };
  const done = (fresh: boolean): void => {
    const found = examples;
    close();
    if (found.length > 0) take(found, fresh);
  };

  for (const select of [text, label]) select.addEventListener("change", count);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    done(true);
  });
  part("teach-intake-add", HTMLButtonElement).addEventListener("click", () => done(false));
  part("teach-intake-cancel", HTMLButtonElement).addEventListener("click", close);

  return {
    close,
    open(next) {
      const columns = guessColumns(next);
      if (!columns || next.columns.length < 2)
        throw new FileProblem(
          `${next.name} has only one column. A table of examples needs a column of texts and a column of labels.`,
        );
      table = next;
      const options = (chosen: number) =>
        next.columns.map((name, at) => new Option(name, String(at), false, at === chosen));
      text.replaceChildren(...options(columns.text));
      const other = columns.label >= 0 ? columns.label : columns.text === 0 ? 1 : 0;
      label.replaceChildren(...options(other));
      form.hidden = false;
      count();
      part("teach-intake-take", HTMLButtonElement).focus();
    },
  };
}
