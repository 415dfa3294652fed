/** The Zero-shot tab, fetched when it is opened: a text, labels as chips, and which of them fits. */

import "../forms.css";
import "../lab.css";
import markup from "./zero-shot.html?raw";
import { ZeroShot, type Embedder } from "tabsense";
import { filled, part } from "../dom.ts";
import { milliseconds } from "../format.ts";
import { newest } from "../newest.ts";
import type { OnDemand } from "../on-demand.ts";
import { wireCode } from "../view/code.ts";
import { wireGate } from "../view/gate.ts";
import { LabelBars } from "../view/label-bars.ts";
import { LabelChips } from "../view/label-chips.ts";
import { DEFAULT_TEMPLATE, zeroShotCode, type ZeroShotRequest } from "./code.ts";

const LABELS = ["travel", "cooking", "sport", "money", "health"];
const TEXT = "We booked a flight and a hotel for the holidays.";
const MAX_LABELS = 200;

/** What the tab needs from the page. */
export interface Page {
  encoder: OnDemand<Embedder>;
  /** Runs calls that the page tracks. */
  run<T>(calls: () => Promise<T>): Promise<T>;
}

/** Brings the tab to life. */
export function openZeroShotTab(page: Page): void {
  filled(part("panel-zero-shot", HTMLElement), markup);
  wireGate(part("zero-gate", HTMLElement), page.encoder);
  const input = part("zero-input", HTMLTextAreaElement);
  const template = part("zero-template", HTMLInputElement);
  const multi = part("zero-multi", HTMLInputElement);
  const error = part("zero-error", HTMLElement);
  const bars = new LabelBars(part("zero-result", HTMLElement));
  const code = wireCode("zero-code");
  let labels = LABELS;
  let zero: Promise<ZeroShot> | null = null;

  const currentRequest = (): ZeroShotRequest => ({
    text: input.value,
    labels,
    template: template.value.trim() || DEFAULT_TEMPLATE,
    multiLabel: multi.checked,
  });
  const hint = (): string => {
    if (!page.encoder.model) return "No model yet";
    return labels.length === 0 ? "No label yet" : "Waiting for a text";
  };

  const attempt = newest(
    async ({ text, labels: of, ...options }: ZeroShotRequest, signal: AbortSignal) => {
      if (!zero || text.trim() === "" || of.length === 0) return null;
      const start = performance.now();
      const scores = await page.run(async () => (await zero!).classify(text, of, { ...options, signal }));
      return { scores, spent: performance.now() - start };
    },
    (result) => {
      error.hidden = true;
      part("zero-time", HTMLElement).textContent = result ? milliseconds(result.spent) : "";
      const best = result?.scores[0];
      if (result && best) bars.show(result.scores, best.label, true);
      else bars.idle(hint());
    },
    (thrown) => {
      part("zero-error-message", HTMLElement).textContent =
        thrown instanceof Error ? thrown.message : String(thrown);
      error.hidden = false;
      bars.idle("No verdict on this text");
    },
  );
  const askNow = (): void => {
    bars.labels(labels);
    code.show(zeroShotCode(currentRequest()));
    attempt.ask(currentRequest());
  };

  const chips = new LabelChips(part("zero-labels", HTMLElement), "Labels; Delete removes the one in focus", {
    added(names) {
      const added = names.filter((name) => !labels.includes(name));
      if (added.length === 0)
        return names.length === 1 ? `${names[0]} already exists.` : "They already exist.";
      if (labels.length + added.length > MAX_LABELS) return `This tab allows at most ${MAX_LABELS} labels.`;
      set([...labels, ...added]);
      return undefined;
    },
    removed: (name) => set(labels.filter((label) => label !== name)),
  });
  const set = (next: string[]): void => {
    labels = next;
    chips.show(labels.map((name) => ({ name })));
    askNow();
  };

  for (const field of [input, template, multi]) field.addEventListener("input", askNow);
  if (input.value === "") input.value = TEXT; // a reload may have brought the last text back
  set(labels);
  page.encoder.follow((encoder) => {
    zero = encoder.state === "ready" ? ZeroShot.load(encoder.model) : null;
    askNow();
  });
}
