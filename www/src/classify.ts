/** The Classify tab: a text or a pair of texts, the verdict on it, and what is behind the verdict. */

import type { Classifier, Detailed, Latest, Text } from "tabsense";
import { score } from "tabsense/lexicon";
import type { Activity } from "./activity.ts";
import { DEFAULT_MODEL } from "./catalogue.ts";
import { textCode } from "./code.ts";
import { Comparison, type Answer } from "./comparison.ts";
import { find, part } from "./dom.ts";
import { milliseconds, whole } from "./format.ts";
import { pairsOf } from "./pairs.ts";
import type { Loaded, Request } from "./slot.ts";
import { Session } from "./statistics.ts";
import { firstOf, isBlank, secondOf, textOf } from "./texts.ts";
import { Bars } from "./view/bars.ts";
import { Chips, counts } from "./view/chips.ts";
import { wireCode } from "./view/code.ts";
import { wireExamples } from "./view/examples.ts";
import { Latency } from "./view/latency.ts";
import { showModel } from "./view/model.ts";
import { Profile } from "./view/profile.ts";
import { SecondText } from "./view/second.ts";

const DENSE = 200; // UTF-16 units; a longer text is set smaller
const LEXICON_LABELS = ["NEGATIVE", "NEUTRAL", "POSITIVE"];

/** What the tab needs from the page. */
export interface Page {
  /** The model in use. */
  loaded(): Loaded | null;
  /** What is being loaded, or was requested last. */
  request(): Request;
  /** Whether a load is under way. */
  loading(): boolean;
  activity: Activity;
  /** The model in use has answered, or has nothing to answer. */
  settled(): void;
  /** The model in use could not answer. */
  failed(error: unknown, classifier: Classifier): void;
  /** The comparison has begun or ended. */
  compared(): void;
}

/** Shows the verdict on the text in the box, and what is behind it. */
export class Classify {
  readonly comparison: Comparison;
  readonly #input = part("input", HTMLTextAreaElement);
  readonly #layers = find(".layers", HTMLElement);
  readonly #count = part("counts", HTMLElement);
  readonly #truncated = part("truncated", HTMLElement);
  readonly #second = new SecondText(() => this.now());
  readonly #examples = wireExamples(({ text, pair }) => this.#write(text, pair));
  readonly #bars = new Bars();
  readonly #chips = new Chips();
  readonly #latency = new Latency();
  readonly #profile = new Profile();
  readonly #session = new Session();
  readonly #code = wireCode("code");
  /** The model in use: the function that classifies the newest text, and the last answer. */
  #latest: Latest | null = null;
  #last: Answer | null = null;
  /** The share of the first model that is loaded; null if none is loading. */
  #share: number | null = null;
  /** The text of the guess on show. */
  #guessed: string | null = null;

  constructor(private readonly page: Page) {
    this.comparison = new Comparison({
      loaded: page.loaded,
      text: () => this.#text,
      last: () => this.#last,
      run: page.activity.run,
      changed: page.compared,
    });
    this.#bars.labels(LEXICON_LABELS);
    this.#input.addEventListener("input", () => this.now());
    part("clear", HTMLButtonElement).addEventListener("click", () => {
      this.#write("");
      this.#input.focus();
    });
  }

  /** Puts a new model to use: its labels, its facts, its own session. */
  adopt(loaded: Loaded): void {
    const { classifier } = loaded;
    this.#latest = classifier.latest();
    this.#session.clear();
    this.#latency.clear();
    this.#chips.clear();
    this.#last = null;
    this.#bars.labels(classifier.info.model.labels);
    showModel(classifier.info, null);
    this.#profile.adopt(classifier.info);
    this.comparison.adopt();
    void this.#offerSecond(loaded);
    this.now();
  }

  /** While no model is in use: shows how much of the first one is loaded, or that none is loading. */
  wait(share: number | null): void {
    this.#share = share;
    if (!this.page.loaded()) this.#showGuess();
  }

  /** Classifies what is in the boxes; the newest text wins. */
  now(): void {
    const text = this.#text;
    const loaded = this.page.loaded();
    this.#chips.follow();
    this.#count.textContent = counts(firstOf(text) + secondOf(text), null);
    this.#layers.classList.toggle("dense", this.#input.value.length > DENSE);
    this.#examples.follow(this.#second.open, this.#input.value, this.#second.text);
    this.comparison.follow();
    if (!isBlank(text)) this.#code.show(textCode(loaded?.request ?? this.page.request(), text));
    if (!loaded) return this.#showGuess();
    if (isBlank(text)) {
      this.#showNothing();
      this.page.settled();
    } else {
      this.#bars.pending();
    }
    // Blank texts are classified, too: a call ends the one before it.
    if (this.#latest) void this.#ask(text, loaded.classifier, this.#latest);
  }

  get #text(): Text {
    return textOf(this.#input.value, this.#second.text);
  }

  #write(text: string, pair?: string): void {
    this.#input.value = text;
    if (pair !== undefined) this.#second.text = pair;
    this.now();
  }

  /** Offers a second text if the model accepts pairs. */
  async #offerSecond(loaded: Loaded): Promise<void> {
    this.#second.offer("no");
    const pairs = await pairsOf(loaded).catch(() => null); // the next verdict reports the error
    if (!pairs || this.page.loaded() !== loaded) return;
    this.#second.offer(pairs);
    if (this.#second.open) this.now();
  }

  async #ask(text: Text, classifier: Classifier, latest: Latest): Promise<void> {
    const isInUse = (): boolean => classifier === this.page.loaded()?.classifier;
    try {
      const result = await this.page.activity.run(() => latest(text, { topK: null, details: true }));
      if (result && isInUse()) this.#show(text, result, classifier);
    } catch (error) {
      if (!isInUse()) return; // it was disposed of, and the new model answers
      this.#showNothing();
      this.#bars.idle("No verdict on this text");
      this.page.failed(error, classifier);
    }
  }

  #show(text: Text, result: Detailed, { info }: Classifier): void {
    if (result.scores.length === 0) {
      this.#showNothing();
      return this.page.settled();
    }
    const { timings, tokens, truncated } = result;
    this.#session.add(timings.total);
    this.#latency.show(timings, this.#session);
    this.#profile.show(result);
    showModel(info, result.device); // its memory may have grown, or its GPU been lost
    this.#last = { text, result };
    this.comparison.answered(this.#last);
    this.#bars.show(result.scores, `${info.model.name}, ${milliseconds(timings.total)}`);
    this.#chips.show(firstOf(text), tokens);
    this.#truncated.hidden = !truncated;
    if (truncated)
      this.#truncated.textContent =
        typeof text === "string"
          ? `The text is longer than the model’s limit. The verdict covers its first ${whole(tokens.length)} tokens.`
          : `The texts are longer than the model’s limit. The verdict covers ${whole(tokens.length)} of their tokens.`;
    this.#count.textContent = counts(firstOf(text) + secondOf(text), tokens.length);
    this.page.settled();
  }

  #showNothing(): void {
    this.#chips.clear();
    this.#truncated.hidden = true;
    this.#bars.idle(this.#hint);
  }

  /**
   * While no model is in use, the lexicon answers instead of the page's own model, which has the same labels.
   */
  #showGuess(): void {
    const text = firstOf(this.#text);
    const scores = this.page.request().source === DEFAULT_MODEL ? score(text) : [];
    if (scores.length === 0) {
      this.#guessed = null;
      return this.#bars.idle(this.#hint, isBlank(text) ? null : this.#share);
    }
    const model = this.page.loading()
      ? `until the model is ready, ${Math.floor((this.#share ?? 0) * 100)} %`
      : "no model";
    this.#bars.note(`word list, ${model}`);
    if (text === this.#guessed) return; // a download's progress must not delay the announcement
    this.#guessed = text;
    this.#bars.guess(scores);
  }

  /** What is shown instead of a verdict. */
  get #hint(): string {
    if (this.page.loaded()) return "Waiting for a text";
    if (!this.page.loading()) return "No model yet";
    return isBlank(this.#text) ? "Waiting for a text" : "The model is loading";
  }
}
