/** Keeps a classifier in step with a lesson: trains it a moment after each change, and evaluates it. */

import type { Evaluation, Embedder, TaughtClassifier, TeachProgress } from "tabsense";
import type { Example, Lesson } from "./lesson.ts";

const DEBOUNCE_MS = 350; // a pause in typing
const LARGE = 500; // from this many on, a label without examples waits: it would need all texts read again

const FEW = 100; // up to this many examples are learnt step by step the first time
const STEPS = 8;
const WITHOUT_EXAMPLES =
  "Opened without its examples: it answers as trained. A change here trains a new classifier, only from the examples here.";

/** What was learnt last. */
export interface Learnt {
  classifier: TaughtClassifier;
  /** The findings of leave-one-out; null while they are being computed. */
  report: Evaluation | null;
  /** Milliseconds of the last training. */
  spent: number;
  /** Changes with each training. */
  version: number;
}

/** The state of the training. */
export type State =
  | { state: "waiting"; why: string }
  | { state: "learning"; progress: TeachProgress | null }
  | { state: "ready" }
  | { state: "stopped" }
  | { state: "failed"; error: unknown };

/** What the trainer needs, and what it reports. */
export interface Events {
  embedder(): Embedder | null;
  lesson(): Lesson;
  /** Runs calls that the page tracks. */
  run<T>(calls: () => Promise<T>): Promise<T>;
  state(state: State): void;
  /** There is another classifier, or another report on it; null if there is none any more. */
  learnt(learnt: Learnt | null): void;
}

/** Learns from a lesson. */
export class Trainer {
  #learnt: Learnt | null = null;
  #abort: AbortController | null = null;
  #timer = 0;
  #version = 0;

  constructor(private readonly events: Events) {}

  /** What was learnt last. */
  get learnt(): Learnt | null {
    return this.#learnt;
  }

  /** The lesson has changed: learns from it a moment later, or at once. */
  changed(now = false): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
    this.#timer = window.setTimeout(() => void this.#learn(), now ? 0 : DEBOUNCE_MS);
  }

  /** Forgets what was learnt: another lesson begins. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
    this.#publish(null);
  }

  /** Takes over a saved classifier; `learn`: it has its examples, so it can be evaluated. */
  take(classifier: TaughtClassifier, learn: boolean): void {
    this.forget();
    this.#publish({ classifier, report: null, spent: 0, version: ++this.#version });
    if (learn) this.changed(true);
    else this.events.state({ state: "waiting", why: WITHOUT_EXAMPLES });
  }

  /** Ends the training; the previous classifier keeps answering. */
  stop(): void {
    clearTimeout(this.#timer);
    if (!this.#abort) return;
    this.#abort.abort();
    this.#abort = null;
    this.events.state({ state: "stopped" });
  }

  async #learn(): Promise<void> {
    const embedder = this.events.embedder();
    const lesson = this.events.lesson();
    const reason = whyWaiting(embedder !== null, lesson);
    if (embedder === null || reason !== null) {
      if (lesson.labels.length < 2) this.#publish(null);
      return this.events.state({ state: "waiting", why: reason ?? "" });
    }
    const mine = (this.#abort = new AbortController());
    const call = {
      signal: mine.signal,
      onProgress: (progress: TeachProgress) => {
        if (this.#abort === mine) this.events.state({ state: "learning", progress });
      },
    };
    this.events.state({ state: "learning", progress: null });
    const start = performance.now();
    const version = ++this.#version;
    const publish = (classifier: TaughtClassifier, report: Evaluation | null): void => {
      mine.signal.throwIfAborted();
      this.#publish({ classifier, report, spent: performance.now() - start, version });
    };
    try {
      await this.events.run(async () => {
        const before = this.#learnt?.classifier;
        let classifier = before && update(before, lesson) ? before : null;
        if (classifier) {
          await classifier.retrain(call);
          publish(classifier, null); // it answers before it is known how well
        }
        for (const part of before ? [lesson] : growing(lesson)) {
          if (classifier) update(classifier, part);
          else classifier = await embedder.teach(part.toRecord(), call);
          if (part === lesson) publish(classifier, null);
          publish(classifier, await classifier.evaluate(call));
        }
      });
      this.#abort = null;
      this.events.state({ state: "ready" });
    } catch (error) {
      if (this.#abort !== mine) return;
      this.#abort = null;
      this.events.state({ state: "failed", error });
    }
  }

  #publish(learnt: Learnt | null): void {
    // While it is evaluated again, the previous report on the examples stays visible.
    const report = learnt?.report ?? this.#learnt?.report ?? null;
    this.#learnt = learnt && { ...learnt, report };
    this.events.learnt(this.#learnt);
  }
}

/**
 * A lesson with one example per label, two, and so on, and finally all, to show what examples contribute. A
 * large one is learnt at once.
 */
function growing(lesson: Lesson): Lesson[] {
  const { examples } = lesson.counted;
  const maxCount = examples.length <= FEW ? Math.max(...lesson.counts().values()) : 0;
  const parts = Array.from({ length: Math.max(0, Math.min(maxCount, STEPS) - 1) }, (_, at) =>
    lesson.first(at + 1),
  );
  return [...parts, lesson];
}

/** Why nothing can be learnt now. */
function whyWaiting(model: boolean, lesson: Lesson): string | null {
  if (!model) return "Training starts once the model is loaded.";
  if (lesson.labels.length < 2) return "Nothing to tell apart yet: add a second label.";
  return null;
}

/**
 * Brings a classifier's examples in step with a lesson. False if a new classifier has to be taught: for new
 * labels without an example, and for removed labels.
 */
function update(classifier: TaughtClassifier, lesson: Lesson): boolean {
  const { examples } = lesson.counted;
  const wanted = new Map(examples.map((example) => [example.text, example]));
  const used = new Set(examples.map(({ label }) => label));
  const known = new Set(classifier.labels);
  const added = lesson.labels.some((label) => !known.has(label) && !used.has(label));
  const removed = classifier.labels.some((label) => !lesson.labels.includes(label));
  if (removed || (added && examples.length < LARGE)) return false;
  for (const { id, text, labels } of classifier.examples) {
    const example: Example | undefined = wanted.get(text);
    if (example?.label === labels[0]) wanted.delete(text);
    else classifier.remove(id);
  }
  for (const { text, label } of wanted.values()) classifier.add(text, label);
  return true;
}
