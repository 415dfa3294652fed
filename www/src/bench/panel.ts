/** The report's buttons: copy it as Markdown, download it as JSON, or read it where it stands. */

import { find, part } from "../dom.ts";
import { json, markdown, type Report } from "./report.ts";

const SAID_MS = 2_500; // how long a button says what it has done

/** Shows the report that `current` gives, and takes it away. */
export interface ReportView {
  show(): void;
  hide(): void;
}

/** Wires the section `bench-report`. */
export function wireReport(current: () => Report | null): ReportView {
  const section = part("bench-report", HTMLElement);
  const copy = part("bench-copy", HTMLButtonElement);
  const text = part("bench-markdown", HTMLElement);
  const name = copy.textContent ?? "";
  let timer = 0;

  const say = (words: string): void => {
    copy.textContent = words;
    clearTimeout(timer);
    timer = window.setTimeout(() => (copy.textContent = name), SAID_MS);
  };

  copy.addEventListener("click", () => {
    const report = current();
    if (!report) return;
    navigator.clipboard.writeText(markdown(report)).then(
      () => say("Copied"),
      () => {
        // No permission, or a page without https: the text is marked, so that the keyboard can copy it.
        find("details", HTMLDetailsElement, section).open = true;
        getSelection()?.selectAllChildren(text);
        say("Marked below");
      },
    );
  });

  part("bench-download", HTMLButtonElement).addEventListener("click", () => {
    const report = current();
    if (!report) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([json(report)], { type: "application/json" }));
    link.download = `tabsense-${report.model.name.replace(/[^\w.-]+/g, "-")}-${report.date.toISOString().slice(0, 16).replace(":", "")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });

  return {
    show: () => {
      const report = current();
      text.textContent = report ? markdown(report) : "";
      section.hidden = !report;
    },
    hide: () => {
      section.hidden = true;
    },
  };
}
