/** The Teach tab, fetched when it is opened: labels and examples in, a classifier out, tried while it is taught. */

import "../forms.css";
import "../lab.css";
import "./teach.css";
import markup from "./teach.html?raw";
import { TaughtClassifier, type Embedder, type TaughtScore } from "tabsense";
import { TAUGHT_FILE } from "../code.ts";
import { filled, find, part } from "../dom.ts";
import type { Taught } from "../file/row-classifier.ts";
import { readTable } from "../file/read.ts";
import { FileProblem } from "../file/reading.ts";
import { textOf } from "../file/table.ts";
import { milliseconds } from "../format.ts";
import { newest } from "../newest.ts";
import type { OnDemand } from "../on-demand.ts";
import { wireCode } from "../view/code.ts";
import { download } from "../view/copy.ts";
import { wireGate } from "../view/gate.ts";
import { LabelBars } from "../view/label-bars.ts";
import { taughtCode } from "./code.ts";
import { wireEditor } from "./editor.ts";
import { wireInsight } from "./insight.ts";
import { wireIntake } from "./intake-form.ts";
import { tooMany } from "./intake.ts";
import { Lesson, MAX_EXAMPLES, MAX_LABELS } from "./lesson.ts";
import { wireProgress } from "./progress.ts";
import { FIRST_TEXT, STARTER } from "./starter.ts";
import { Trainer } from "./trainer.ts";

/** What the tab needs from the page. */
export interface Page {
  encoder: OnDemand<Embedder>;
  /** Runs calls that the page tracks. */
  run<T>(calls: () => Promise<T>): Promise<T>;
  /** There is another classifier, or none any more. */
  taught(): void;
}

/** The tab, as the page uses it. */
export interface TeachTab {
  /** Reads a dropped file; refuses several. */
  open(files: readonly File[]): void;
  /** The last taught classifier. */
  taught(): Taught | null;
}

/** Brings the tab to life. */
export function openTeachTab(page: Page): TeachTab {
  filled(part("panel-teach", HTMLElement), markup);
  wireGate(part("teach-gate", HTMLElement), page.encoder);
  const input = part("teach-input", HTMLTextAreaElement);
  const result = part("teach-result", HTMLElement);
  const sure = part("teach-sure", HTMLInputElement);
  const fileInput = part("teach-file", HTMLInputElement);
  const bars = new LabelBars(result);
  const code = wireCode("teach-code");
  let lesson = new Lesson(STARTER);

  const fail = (error: unknown): void => {
    part("teach-error-message", HTMLElement).textContent =
      error instanceof Error ? error.message : String(error);
    part("teach-error", HTMLElement).hidden = false;
  };
  const clearError = (): void => void (part("teach-error", HTMLElement).hidden = true);

  const progress = wireProgress();
  const trainer = new Trainer({
    embedder: () => page.encoder.model,
    lesson: () => lesson,
    run: page.run,
    state(state) {
      progress.show(state, lesson, trainer.learnt?.report ?? null, trainer.learnt?.spent ?? 0);
      if (state.state === "failed") fail(state.error);
      if (state.state === "ready") clearError();
    },
    learnt(learnt) {
      insight.show(learnt?.report ?? null, lesson.counts());
      bars.labels(learnt?.classifier.labels ?? lesson.labels);
      part("teach-download", HTMLButtonElement).disabled = learnt === null;
      page.taught();
      offerCorrection();
      tryNow();
    },
  });

  const changed = (): void => {
    clearError();
    trainer.changed();
    if (!trainer.learnt) {
      bars.labels(lesson.labels);
      insight.show(null, lesson.counts());
    }
    offerCorrection();
  };
  const editor = wireEditor(() => lesson, changed);
  const insight = wireInsight({
    relabel: ({ text, predicted }) => edit(() => lesson.put({ text, label: predicted })),
    remove: ({ text }) => edit(() => lesson.drop(text)),
  });

  /** Changes the lesson from outside the editor. */
  const edit = (change: () => void): void => {
    change();
    editor.show();
    changed();
  };

  /** Starts another lesson. */
  const begin = (next: Lesson): void => {
    lesson = next;
    insight.forget();
    trainer.forget();
    editor.show();
  };

  const attempt = newest(
    async (text: string, signal: AbortSignal) => {
      const classifier = trainer.learnt?.classifier;
      if (!classifier || text.trim() === "") return null;
      const start = performance.now();
      return page.run(async () => {
        // The verdict applies the threshold, the bars show all labels.
        const [[best], scores] = await Promise.all([
          classifier.classify(text, { ...threshold(), signal }),
          classifier.classify(text, { topK: null, signal }),
        ]);
        return { label: best?.label ?? null, scores, spent: performance.now() - start };
      });
    },
    (outcome) => {
      part("teach-time", HTMLElement).textContent = outcome ? milliseconds(outcome.spent) : "";
      if (!outcome) return bars.idle(hint());
      const scores = outcome.scores.filter(
        (one): one is TaughtScore & { label: string } => one.label !== null,
      );
      bars.show(scores, outcome.label ?? "Not sure", outcome.label !== null);
      const [best] = scores;
      const select = part("teach-correct-label", HTMLSelectElement);
      // A label that the user has chosen or is choosing stays.
      if (best && chosenFor !== input.value && !select.matches(":focus")) select.value = best.label;
    },
    fail,
  );
  /** The score from which a verdict is sure; empty if it is the learnt one. */
  const threshold = (): { threshold?: number } =>
    sure.value === "0" ? {} : { threshold: Number(sure.value) / 100 };
  const hint = (): string => {
    if (!page.encoder.model) return "No model yet";
    return trainer.learnt ? "Waiting for a text" : "Not trained yet";
  };
  const tryNow = (): void => {
    code.show(taughtCode(input.value || FIRST_TEXT));
    attempt.ask(input.value);
    offerCorrection();
  };

  const correct = part("teach-correct", HTMLFormElement);
  /** The text for which the user has chosen a label: a later verdict doesn't choose another. */
  let chosenFor: string | null = null;
  part("teach-correct-label", HTMLSelectElement).addEventListener("change", () => {
    chosenFor = input.value;
  });
  /** Offers to make the text an example of one of the labels. */
  const offerCorrection = (): void => {
    const select = part("teach-correct-label", HTMLSelectElement);
    const before = select.value;
    const { labels } = lesson;
    if (labels.join("\n") !== [...select.options].map(({ value }) => value).join("\n")) {
      select.replaceChildren(...labels.map((label) => new Option(label, label)));
      if (labels.includes(before)) select.value = before;
    }
    part("teach-correct-add", HTMLButtonElement).disabled = input.value.trim() === "" || labels.length === 0;
  };
  correct.addEventListener("submit", (event) => {
    event.preventDefault();
    const label = part("teach-correct-label", HTMLSelectElement).value;
    const text = input.value.replace(/\s+/g, " ").trim();
    if (text === "" || label === "") return;
    edit(() => lesson.put({ text, label }));
    trainer.changed(true);
  });

  const intake = wireIntake({
    take(examples, fresh) {
      const next = fresh ? new Lesson() : lesson;
      const labels = new Set([...next.labels, ...examples.map(({ label }) => label)]).size;
      const count = next.counted.examples.length + examples.length;
      const why = tooMany({ examples: count, labels }, { examples: MAX_EXAMPLES, labels: MAX_LABELS });
      if (why !== null) return fail(new FileProblem(why));
      next.putAll(examples);
      if (fresh) begin(next);
      edit(() => {});
    },
  });

  /** Restores a downloaded classifier, once the model is loaded. */
  let waiting: File | null = null;
  const restore = async (file: File): Promise<void> => {
    const embedder = page.encoder.model;
    if (!embedder) {
      waiting = file;
      return void page.encoder.start();
    }
    waiting = null;
    const classifier = await TaughtClassifier.from(file, embedder);
    const { multi, examples } = JSON.parse(await file.text()) as { multi?: unknown; examples?: unknown };
    if (multi === true)
      throw new FileProblem(
        `${file.name} gives a text several labels, which this tab can’t show. Use the package instead.`,
      );
    const labels = Object.fromEntries(classifier.labels.map((label): [string, string[]] => [label, []]));
    for (const {
      text,
      labels: [label = ""],
    } of classifier.examples)
      labels[label]?.push(text);
    begin(new Lesson(labels));
    trainer.take(classifier, Array.isArray(examples));
  };

  const read = async (file: File): Promise<void> => {
    clearError();
    intake.close();
    try {
      if (await isTaught(file)) return await restore(file);
      const table = await readTable(file, {}, new AbortController().signal);
      const label = editor.chosen();
      if (table.format === "lines" && label !== null)
        return edit(() => lesson.putAll(table.rows.map(([line]) => ({ text: textOf(line), label }))));
      intake.open(table);
    } catch (error) {
      fail(error);
    }
  };

  const showSure = (): void => {
    const [minScore] = Object.values(threshold());
    part("teach-sure-shown", HTMLOutputElement).textContent =
      minScore === undefined ? "as calibrated" : `${sure.value} %`;
  };
  sure.addEventListener("input", () => {
    showSure();
    tryNow();
  });
  input.addEventListener("input", tryNow);
  fileInput.addEventListener("change", () => {
    const [file] = fileInput.files ?? [];
    if (file) void read(file);
    fileInput.value = ""; // so that the same file can be chosen again
  });
  part("teach-error-dismiss", HTMLButtonElement).addEventListener("click", () => {
    clearError();
    input.focus();
  });
  part("teach-clear", HTMLButtonElement).addEventListener("click", () => {
    begin(new Lesson());
    edit(() => {});
    find('[data-testid="teach-labels-field"]', HTMLInputElement).focus();
  });
  part("teach-stop", HTMLButtonElement).addEventListener("click", () => trainer.stop());
  part("teach-again", HTMLButtonElement).addEventListener("click", () => trainer.changed(true));
  part("teach-download", HTMLButtonElement).addEventListener("click", () => {
    const examples = part("teach-with-examples", HTMLInputElement).checked;
    const saved = trainer.learnt?.classifier.toJSON({ examples });
    if (saved) download(TAUGHT_FILE, JSON.stringify(saved), "application/json");
  });

  if (input.value === "") input.value = FIRST_TEXT; // a reload may have brought the last text back
  bars.labels(lesson.labels);
  bars.idle(hint());
  editor.show();
  insight.show(null, lesson.counts());
  page.encoder.follow(({ state }) => {
    if (state !== "ready") return bars.idle(hint());
    if (waiting) restore(waiting).catch(fail);
    else trainer.changed(true);
  });
  showSure();
  tryNow();
  return {
    open: ([first, ...others]) => {
      if (others.length > 0) fail(new FileProblem("One file at a time: drop the one with the examples."));
      else if (first) void read(first);
    },
    taught() {
      const { learnt } = trainer;
      const embedder = page.encoder.model;
      return learnt && embedder && { ...learnt, embedder, ...threshold() };
    },
  };
}

/** Whether a file is a downloaded classifier. */
async function isTaught(file: File): Promise<boolean> {
  return /^\s*\{\s*"format"\s*:\s*"tabsense-taught-classifier"/.test(await file.slice(0, 200).text());
}
