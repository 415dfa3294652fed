/** What to run, according to the form. */

import { find } from "../dom.ts";

/** How often each length is run. */
export function chosenRounds(form: HTMLFormElement): number {
  return Number(find('input[name="rounds"]:checked', HTMLInputElement, form).value);
}

/** The lengths to run, in tokens, shortest first. */
export function chosenLengths(form: HTMLFormElement): number[] {
  return lengths(form)
    .filter(({ checked, disabled }) => checked && !disabled)
    .map(({ value }) => Number(value));
}

/** Disables the lengths that a model doesn't read. */
export function limitLengths(form: HTMLFormElement, maxTokens: number): void {
  for (const box of lengths(form)) box.disabled = Number(box.value) > maxTokens;
}

/** Locks the settings while they are in use. */
export function disableSettings(form: HTMLFormElement, disabled: boolean): void {
  for (const set of form.querySelectorAll("fieldset")) set.disabled = disabled;
}

function lengths(form: HTMLFormElement): HTMLInputElement[] {
  return [...form.querySelectorAll<HTMLInputElement>('input[name="length"]')];
}
