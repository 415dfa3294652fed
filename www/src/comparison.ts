/**
 * Both backends on the same text: the model in use next to a second one, loaded from the same
 * source on the other device.
 */

import type { Classifier, ClassifierInfo, Detailed, Latest, LoadOptions, Text } from "tabsense";
import { BACKENDS, type Backend } from "./format.ts";
import { loadModel, type Loaded } from "./slot.ts";
import { isBlank, isSame } from "./texts.ts";
import { ComparisonView } from "./view/comparison.ts";
import { kindOf } from "./view/status.ts";

/** A call's result with its text or pair. */
export interface Answer {
  text: Text;
  result: Detailed;
}

/** What the comparison needs from the page. */
export interface Page {
  /** The model in use. */
  loaded(): Loaded | null;
  /** The content of the boxes. */
  text(): Text;
  /** The last answer of the model in use. */
  last(): Answer | null;
  /** Runs a call that the page tracks. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** The comparison has begun or ended. */
  changed(): void;
}

/** Holds the models loaded for the comparison, while it is open. */
export class Comparison {
  readonly #page: Page;
  readonly #view: ComparisonView;
  /** Ends the loading; null while closed. */
  #open: AbortController | null = null;
  /** Both backends, once both are loaded. */
  #sides: Record<Backend, Classifier> | null = null;
  /** The classifiers that the comparison has loaded. */
  #extra: Classifier[] = [];
  /** Classifies the newest text, on each backend that the comparison has loaded. */
  #latest: Partial<Record<Backend, Latest>> = {};
  #answers: Partial<Record<Backend, Answer>> = {};

  constructor(page: Page) {
    this.#page = page;
    this.#view = new ComparisonView(() => (this.#open ? this.close() : void this.#start()));
  }

  /** The two classifiers; null until both are loaded. */
  get sides(): Readonly<Record<Backend, Classifier>> | null {
    return this.#sides;
  }

  /** Another model is in use: the comparison of the previous one ends. */
  adopt(): void {
    this.close();
    this.#view.allow(true);
  }

  /** Ends the comparison, and disposes of its models. */
  close(): void {
    this.#open?.abort();
    this.#open = null;
    this.#latest = {};
    this.#answers = {};
    this.#sides = null;
    const extra = this.#extra;
    this.#extra = [];
    for (const classifier of extra) void classifier.dispose();
    this.#view.close();
    this.#page.changed();
  }

  /** The text in the box has changed. */
  follow(): void {
    if (!this.#sides) return;
    const text = this.#page.text();
    this.#show();
    for (const backend of BACKENDS) {
      const latest = this.#latest[backend];
      if (latest) void this.#ask(backend, latest, text);
    }
  }

  /** The model in use has answered: if it is one of the two, that is its side of the comparison. */
  answered(answer: Answer): void {
    const backend = BACKENDS.find((one) => this.#sides?.[one] === this.#page.loaded()?.classifier);
    if (backend) this.#take(backend, answer);
  }

  async #start(): Promise<void> {
    const loaded = this.#page.loaded();
    if (!loaded) return;
    const open = new AbortController();
    this.#open = open;
    const { info } = loaded.classifier;
    if (info.device === "cpu" && loaded.request.device === "webgpu" && "reason" in info.webgpu)
      return this.#view.refuse(info.webgpu.reason);
    this.#view.load(info.model.name);
    // "auto" has both backends and chooses itself: then both are loaded again, each on its one device.
    const sides: Partial<Record<Backend, Classifier>> = {};
    const inUse = BACKENDS.find((one) => one === info.device);
    if (inUse) sides[inUse] = loaded.classifier;
    try {
      for (const device of BACKENDS) {
        if (sides[device]) continue;
        const classifier = await loadModel(loaded.request.source, {
          device,
          dtype: dtypeOn(device, info.dtype),
          signal: open.signal,
        });
        if (this.#open !== open) return await classifier.dispose(); // it arrived just after the end
        this.#extra.push(classifier);
        if (classifier.info.device !== device && "reason" in classifier.info.webgpu) {
          const { reason } = classifier.info.webgpu;
          await this.#drop();
          return this.#open === open ? this.#view.refuse(reason) : undefined;
        }
        sides[device] = classifier;
        this.#latest[device] = classifier.latest();
      }
    } catch (error) {
      if (this.#open !== open) return;
      await this.#drop();
      return this.#view.refuse(error instanceof Error ? error.message : String(error));
    }
    const { cpu, webgpu } = sides;
    if (!cpu || !webgpu) return;
    this.#sides = { cpu, webgpu };
    this.#view.ready(this.#sides);
    this.#page.changed();
    const last = this.#page.last();
    if (last) this.answered(last);
    this.follow();
  }

  /** Disposes of what was loaded, and stays open to say why. */
  async #drop(): Promise<void> {
    const extra = this.#extra;
    this.#extra = [];
    this.#latest = {};
    await Promise.all(extra.map((classifier) => classifier.dispose()));
  }

  async #ask(backend: Backend, latest: Latest, text: Text): Promise<void> {
    const current = (): boolean => this.#latest[backend] === latest;
    try {
      const result = await this.#page.run(() => latest(text, { topK: null, details: true }));
      if (result && result.scores.length > 0 && current()) this.#take(backend, { text, result });
    } catch (error) {
      if (current() && kindOf(error) !== "disposed")
        this.#view.fail(error instanceof Error ? error.message : String(error));
    }
  }

  #take(backend: Backend, answer: Answer): void {
    const ranElsewhere = answer.result.device !== backend;
    if (ranElsewhere) delete this.#answers[backend];
    else this.#answers[backend] = answer;
    this.#show();
    const webgpu = this.#sides?.webgpu.info.webgpu;
    if (ranElsewhere && webgpu)
      this.#view.fail("reason" in webgpu ? webgpu.reason : "The call ran on another device.");
  }

  #show(): void {
    const text = this.#page.text();
    for (const backend of BACKENDS) {
      const answer = isBlank(text) ? undefined : this.#answers[backend];
      const current = answer !== undefined && isSame(answer.text, text);
      this.#view.answer(backend, answer?.result ?? null, current);
    }
    const [cpu, webgpu] = [this.#answers.cpu, this.#answers.webgpu];
    this.#view.difference(
      cpu && webgpu && isSame(cpu.text, text) && isSame(webgpu.text, text) && !isBlank(text)
        ? [cpu.result, webgpu.result]
        : null,
    );
  }
}

/** The dtype on the other device; only the graphics card supports fp16. */
function dtypeOn(device: Backend, dtype: ClassifierInfo["dtype"]): NonNullable<LoadOptions["dtype"]> {
  if (dtype === "none") return "auto";
  return device === "cpu" && dtype === "fp16" ? "fp32" : dtype;
}
