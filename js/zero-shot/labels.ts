/** A call's labels, and the hypotheses made from them. */

import { TabsenseError } from "../api/errors.js";

/** Python's template, for models that were trained on English. */
export const TEMPLATE = "This example is {}.";
/** The maximum number of labels of a call with an NLI model: each needs a forward pass per text. */
export const MAX_LABELS = 1000;

/**
 * The labels of a call: a list, or one comma-separated string. From a string, white space around labels and
 * empty labels are removed; labels in a list stay as they are.
 *
 * Throws `invalid_argument` if there is no label, if there are more than `max`, or if a list has a blank
 * string or something other than strings.
 */
export function readLabels(labels: string | readonly string[], max = MAX_LABELS): string[] {
  const list: unknown = typeof labels === "string" ? split(labels) : labels;
  if (!Array.isArray(list)) {
    throw wrong(
      `The labels must be an array of strings, or a string with commas between them, not ${typed(labels)}.`,
    );
  }
  if (list.length === 0) throw wrong("There are no labels: pass at least one.");
  if (list.length > max) {
    throw wrong(
      `There are ${list.length} labels, and each needs a forward pass per text: pass at most ${max}. With an embedder in ` +
        "place of the NLI model, a text needs one forward pass, however many labels there are.",
    );
  }
  // Not `map`, which skips holes.
  return Array.from(list, (label: unknown, i) => {
    if (typeof label !== "string") throw wrong(`labels[${i}] must be a string, not ${typed(label)}.`);
    if (label.trim() === "") throw wrong(`labels[${i}] is empty. Remove it, or name it.`);
    return label;
  });
}

/**
 * The hypothesis for each label: the template with `{}` replaced by the label, as by Python's `format`. `{0}`
 * is the label, too; `{{` and `}}` are braces.
 *
 * Throws `invalid_argument` if the template has no place for a label, or has any other field.
 */
export function hypotheses(template: string, labels: readonly string[]): string[] {
  if (typeof template !== "string") throw wrong(`The template must be a string, not ${typed(template)}.`);
  const parts = partsOf(template);
  if (parts.length === 1) {
    throw wrong(
      `The provided hypothesis_template ${quoted(template)} was not able to be formatted with the target labels. ` +
        "Make sure the passed template includes formatting syntax such as {} where the label should go.",
    );
  }
  return labels.map((label) => parts.join(label));
}

/** The template's text before, between and after the places of the label. */
function partsOf(template: string): string[] {
  const parts: string[] = [];
  let part = "";
  let unnamed = 0;
  for (const [piece] of template.matchAll(/\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g)) {
    if (piece === "{{" || piece === "}}") part += piece.charAt(0);
    else if (!/^[{}]/.test(piece)) part += piece;
    else if (piece === "{0}" || (piece === "{}" && ++unnamed === 1)) {
      parts.push(part);
      part = "";
    } else {
      throw wrong(
        `The template ${quoted(template)} has ${quoted(piece)}${piece === "{}" ? " twice" : ""}. Mark the ` +
          "label's place with one {} or with {0}, and write {{ and }} for braces.",
      );
    }
  }
  return [...parts, part];
}

function split(labels: string): string[] {
  return labels
    .split(",")
    .map((label) => label.trim())
    .filter((label) => label !== "");
}

function typed(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}

function quoted(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}

function wrong(message: string): TabsenseError {
  return new TabsenseError("invalid_argument", message);
}
