/** Where labels and their examples are typed. */

import { part } from "../dom.ts";
import { counted, whole } from "../format.ts";
import { LabelChips } from "../view/label-chips.ts";
import { tooMany } from "./intake.ts";
import { MAX_EXAMPLES, MAX_LABELS, type Lesson } from "./lesson.ts";

const MAX_REMARKS = 3;

/** The editor, as the tab uses it. */
export interface Editor {
  /** Shows the lesson as it is. */
  show(): void;
  /** The label whose lines are on show; null without labels. */
  chosen(): string | null;
}

/** Wires the editor of the lesson that `lesson` returns; `changed` is called after each change. */
export function wireEditor(lesson: () => Lesson, changed: () => void): Editor {
  const lines = part("teach-lines", HTMLTextAreaElement);
  const caption = part("teach-lines-label", HTMLLabelElement);
  let chosen: string | null = null;
  let shown: string | null = null; // the label whose lines are in the box

  const chips = new LabelChips(part("teach-labels", HTMLElement), "Labels; Delete removes the one in focus", {
    added(names) {
      const labels = new Set([...lesson().labels, ...names]).size;
      const problem = tooMany({ examples: 0, labels }, { examples: MAX_EXAMPLES, labels: MAX_LABELS });
      if (problem !== null) return problem;
      const known = names.every((name) => lesson().labels.includes(name));
      if (known) return names.length === 1 ? `${names[0]} already exists.` : "They already exist.";
      for (const name of names) lesson().addLabel(name);
      chosen = names.at(-1) ?? chosen;
      show();
      changed();
      return undefined;
    },
    removed(name) {
      const { labels } = lesson();
      const at = labels.indexOf(name);
      if (chosen === name) chosen = labels[at + 1] ?? labels[at - 1] ?? null;
      lesson().removeLabel(name);
      show();
      changed();
    },
    chosen(name) {
      chosen = name;
      show();
    },
  });

  /** Updates everything around the lines, which are not touched while someone types. */
  const showAround = (): void => {
    const { examples, clashes } = lesson().counted;
    const counts = lesson().counts();
    chips.show(
      lesson().labels.map((name) => ({ name, note: whole(counts.get(name) ?? 0) })),
      chosen,
    );
    part("teach-counts", HTMLElement).textContent =
      `${counted(examples.length, "example")}, ${counted(counts.size, "label")}`;
    const remarks = clashes.slice(0, MAX_REMARKS).map(({ text, label, other }) => {
      const start = text.length > 60 ? `${text.slice(0, 60)}…` : text;
      return `“${start}” is under ${other} and ${label}: it counts for ${other}.`;
    });
    if (clashes.length > MAX_REMARKS)
      remarks.push(`${counted(clashes.length - MAX_REMARKS, "other text")} under two labels.`);
    part("teach-remarks", HTMLElement).replaceChildren(
      ...remarks.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
    );
  };

  const show = (): void => {
    const { labels } = lesson();
    if (chosen === null || !labels.includes(chosen)) chosen = labels[0] ?? null;
    caption.textContent =
      chosen === null ? "Add a label first, then examples of it" : `Examples of ${chosen}, one per line`;
    lines.disabled = chosen === null;
    lines.placeholder =
      chosen === null ? "" : "Type or paste examples, one per line. Without any, the label’s name counts.";
    const text = chosen === null ? "" : lesson().linesOf(chosen).join("\n");
    // Typed lines may have blanks that don't count: they stay while their label is on show.
    if (shown !== chosen || !same(lines.value, text)) lines.value = text;
    shown = chosen;
    showAround();
  };

  lines.addEventListener("input", () => {
    if (chosen === null) return;
    const typed = lines.value.split(/\r\n|\n|\r/);
    const others = lesson().counted.examples.length - lesson().linesOf(chosen).length;
    const problem = tooMany(
      { examples: others + typed.length, labels: 0 },
      { examples: MAX_EXAMPLES, labels: MAX_LABELS },
    );
    if (problem === null) lesson().setLines(chosen, typed);
    showAround();
    if (problem === null) changed();
    else
      part("teach-remarks", HTMLElement).replaceChildren(
        Object.assign(document.createElement("li"), { textContent: problem }),
      );
  });

  return { show, chosen: () => chosen };
}

/** Whether two texts have the same lines, blanks aside. */
function same(a: string, b: string): boolean {
  const lines = (text: string): string =>
    [...new Set(text.split("\n").map((line) => line.replace(/\s+/g, " ").trim()))].filter(Boolean).join("\n");
  return lines(a) === lines(b);
}
