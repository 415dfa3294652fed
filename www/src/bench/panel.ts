/** The report's buttons: copy it as Markdown, download it as JSON, or read it on the page. */

import { part } from "../dom.ts";
import { download, wireCopy } from "../view/copy.ts";
import { json, markdown, type Report } from "./report.ts";

/** Shows and hides the report that `current` returns. */
export interface ReportView {
  show(): void;
  hide(): void;
}

/** Wires the section `bench-report`. */
export function wireReport(current: () => Report | null): ReportView {
  const section = part("bench-report", HTMLElement);
  const text = part("bench-markdown", HTMLElement);
  const written = (): string => {
    const report = current();
    return report ? markdown(report) : "";
  };

  wireCopy(part("bench-copy", HTMLButtonElement), written, text);

  part("bench-download", HTMLButtonElement).addEventListener("click", () => {
    const report = current();
    if (!report) return;
    const name = report.model.name.replace(/[^\w.-]+/g, "-");
    download(
      `tabsense-${name}-${report.date.toISOString().slice(0, 16).replace(":", "")}.json`,
      json(report),
      "application/json",
    );
  });

  return {
    show: () => {
      text.textContent = written();
      section.hidden = !current();
    },
    hide: () => {
      section.hidden = true;
    },
  };
}
