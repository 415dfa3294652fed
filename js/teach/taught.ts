/** A classifier of your own labels, taught by examples: an encoder's vectors and a linear layer on them. */

import type { Session } from "../client/session.js";
import type { Trained } from "../client/protocol.js";
import { checkSentences, type LoadedEmbedder } from "../api/embedder.js";
import { TabsenseError } from "../api/errors.js";
import { record } from "../api/options.js";
import type {
  Evaluation,
  Examples,
  TaughtExample,
  TaughtOptions,
  TaughtScore,
  TeachOptions,
} from "../api/teach-types.js";
import type { CallProgress } from "../api/types.js";
import { evaluation } from "./evaluation.js";
import { ExampleSet, type StoredExample, type Label } from "./example-set.js";
import { collect, invalid } from "./examples.js";
import { textsOf } from "./names.js";
import { checkTaughtOptions, checkTeachOptions, type CheckedTeachOptions } from "./options.js";
import { read, same, saved, type SavedClassifier } from "./saved.js";
import { scoresOf } from "./scores.js";

/**
 * What teaching needs: an embedder, and the session with its worker.
 * @internal
 */
export interface Teaching {
  embedder: LoadedEmbedder;
  session: Session;
}

/**
 * The share of the examples that may change before strength, name weight and temperature are searched for
 * again.
 */
const SMALL_CHANGE = 1 / 10;

/** How texts are embedded. */
interface EmbedCall {
  signal: AbortSignal | null;
  onProgress: ((progress: CallProgress) => void) | null;
}

/** A fixed text whose vector identifies an encoder, in any dtype. */
const PROBE = "The quick brown fox jumps over the lazy dog.";

/** A classifier of your own labels. It lives as long as its embedder. */
export class TaughtClassifier {
  readonly #teaching: Teaching;
  readonly #set: ExampleSet;
  readonly #prompt: string | null;
  /** Whether it can be taught further: not if it was loaded from a file without its examples. */
  readonly #teachable: boolean;
  /** The vector of the fixed text. */
  #probe: Float32Array | null = null;
  /**
   * The result of the last training; null before the first. For a saved classifier, leave-one-out is unknown.
   */
  #trained: Trained | null = null;
  /** The examples and labels that it was learnt from, in order. */
  #learnt: TaughtExample[] = [];
  #learntLabels: string[] = [];
  /** The set's number of changes when strength, name weight and temperature were found. */
  #found = 0;

  private constructor(teaching: Teaching, set: ExampleSet, prompt: string | null, teachable: boolean) {
    this.#teaching = teaching;
    this.#set = set;
    this.#prompt = prompt;
    this.#teachable = teachable;
  }

  /**
   * Teaches a new one: `embedder.teach`.
   * @internal
   */
  static async teach(
    teaching: Teaching,
    examples: Examples,
    options: TeachOptions | undefined,
  ): Promise<TaughtClassifier> {
    const { descriptions, prompt, ...rest } = checkTeachOptions(options);
    const { labels, multi, examples: texts } = collect(examples);
    const unknown = Object.keys(descriptions).find((label) => !labels.includes(label));
    if (unknown !== undefined)
      throw invalid(
        `descriptions has the label ${JSON.stringify(unknown)}, which is missing from the examples. Add it with an empty list.`,
      );
    const described = labels.map((name) => ({
      name,
      description: Object.hasOwn(descriptions, name) ? descriptions[name]! : null,
    }));
    const set = new ExampleSet(described, multi);
    for (const { text, labels: names } of texts)
      set.insert(
        text,
        names.map((name) => labels.indexOf(name)),
      );
    const taught = new TaughtClassifier(teaching, set, prompt, true);
    await taught.#learn(rest, false);
    return taught;
  }

  /**
   * Loads a saved classifier ({@link TaughtClassifier.toJSON}), an object or its JSON text, with the encoder
   * that it was taught on.
   *
   * Rejects with kind `"not_a_model"` if it isn't one or is damaged; with `"config_unsupported"` for one of a
   * newer version; with `"weights_mismatch"` for another encoder.
   * @internal
   */
  static async from(
    given: SavedClassifier | string | Uint8Array | Blob,
    teaching: Teaching,
  ): Promise<TaughtClassifier> {
    const stored = await read(given);
    const set = new ExampleSet(stored.labels, stored.multi);
    for (const { text, labels } of stored.examples ?? []) set.insert(text, labels);
    const taught = new TaughtClassifier(teaching, set, stored.prompt, stored.examples !== null);
    const { width, name } = teaching.embedder.info.model;
    if (width !== stored.encoder.width)
      throw new TabsenseError(
        "weights_mismatch",
        `The classifier was taught on ${stored.encoder.name}, whose vectors have ${stored.encoder.width} numbers; those of ${name} have ${width}. Load the encoder that it was taught on.`,
      );
    const probe = await taught.#embedOne(PROBE);
    if (!same(probe, stored.encoder.probe))
      throw new TabsenseError(
        "weights_mismatch",
        `The classifier was taught on ${stored.encoder.name}, whose vectors differ from those of ${name}. Load the encoder that it was taught on, with the same pooling.`,
      );
    taught.#probe = probe;
    taught.#trained = stored.trained;
    taught.#learntLabels = taught.labels.slice(0, stored.trained.bias.length);
    taught.#found = set.changes;
    return taught;
  }

  /** Its labels, in order. */
  get labels(): string[] {
    return this.#set.labels.map(({ name }) => name);
  }

  /** Its examples, in order. Empty if it was saved without them. */
  get examples(): TaughtExample[] {
    return this.#set.examples;
  }

  /**
   * Classifies one text: its label, or `{ label: null }` if it is not sure.
   *
   * Rejects with the reason of `options.signal`; with a {@link TabsenseError} otherwise.
   */
  classify(text: string, options?: TaughtOptions): Promise<TaughtScore[]>;
  /** Classifies many texts in one call, which is faster than a call for each. */
  classify(texts: readonly string[], options?: TaughtOptions): Promise<TaughtScore[][]>;
  async classify(
    input: string | readonly string[],
    options?: TaughtOptions,
  ): Promise<TaughtScore[] | TaughtScore[][]> {
    const { topK, threshold, ...rest } = checkTaughtOptions(options);
    const { texts, single } = checkSentences(input, "classify");
    const trained = this.#trained!;
    const vectors = await this.#embed(texts, rest);
    const minScore = threshold ?? trained.keep.threshold;
    const answers = vectors.map((vector) => {
      const scores = scoresOf(vector, trained, this.#set.multi);
      const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
      const all = order.map((label) => ({ label: this.#set.labels[label]!.name, score: scores[label]! }));
      if (topK === null) return all;
      if (this.#set.multi) return all.filter(({ score }) => score >= minScore).slice(0, topK);
      const { score } = all[0]!;
      return score >= minScore ? all.slice(0, topK ?? 1) : [{ label: null, score }];
    });
    return single ? answers[0]! : answers;
  }

  /**
   * Adds an example, and the label if it is new, and returns the example's id. It takes effect with the next
   * `retrain`.
   *
   * Throws kind `"invalid_argument"` for an empty text, for one that is an example of another label, and if
   * the classifier was saved without its examples.
   */
  add(text: string, label: string | readonly string[]): number {
    this.#checkTeachable();
    return this.#set.add(text, label);
  }

  /**
   * Removes the example with this id, and returns whether there was one. It takes effect with the next
   * `retrain`.
   */
  remove(id: number): boolean {
    return this.#set.remove(id);
  }

  /**
   * Learns from the current examples. Until it is done, and if it fails, answers stay as before. How strongly
   * it learns, and how sure its answers are, is determined again if more than a tenth of the examples changed
   * since the last time, or if a label is new.
   */
  async retrain(options?: Pick<TeachOptions, "signal" | "onProgress">): Promise<void> {
    const { descriptions: _, prompt: __, ...rest } = checkTeachOptions(options, ["signal", "onProgress"]);
    const known = this.#learntLabels.length === this.#set.labels.length;
    const smallChange = Math.max(1, this.#set.entries.length * SMALL_CHANGE);
    await this.#learn(rest, known && this.#set.changes - this.#found <= smallChange);
  }

  /**
   * The results of leave-one-out over the examples. If they changed, or if the classifier was loaded from a
   * file, it learns from them first.
   */
  async evaluate(options?: Pick<TeachOptions, "signal" | "onProgress">): Promise<Evaluation> {
    const { descriptions: _, prompt: __, ...rest } = checkTeachOptions(options, ["signal", "onProgress"]);
    if (!this.#trained?.leftOut || this.#set.changes > this.#found) await this.#learn(rest, false);
    const { leftOut, keep } = this.#trained!;
    return evaluation(leftOut!, keep.threshold, this.#learnt, this.#learntLabels, this.#set.multi);
  }

  /**
   * The classifier as an object for `JSON.stringify`, which calls this method. `{ examples: false }` leaves
   * out the examples' texts: it then can't be taught further.
   */
  toJSON(options?: unknown): SavedClassifier {
    const given = typeof options === "object" ? (options ?? {}) : {};
    const { examples = true } = record(given, ["examples"]) as { examples?: boolean };
    const { name, width } = this.#teaching.embedder.info.model;
    return saved({
      multi: this.#set.multi,
      prompt: this.#prompt,
      encoder: { name, width, probe: this.#probe! },
      labels: this.#set.labels.map(({ name, description }) => ({ name, description })),
      trained: this.#trained!,
      examples:
        examples && this.#teachable ? this.#set.entries.map(({ text, labels }) => ({ text, labels })) : null,
    });
  }

  #checkTeachable(): void {
    if (!this.#teachable)
      throw invalid(
        "The classifier was saved without its examples, so it can't be taught further. Save it with its examples.",
      );
  }

  async #embedOne(text: string): Promise<Float32Array> {
    const [vector] = await this.#embed([text], { signal: null, onProgress: null });
    return vector!;
  }

  #embed(texts: string[], { signal, onProgress }: EmbedCall): Promise<Float32Array[]> {
    return this.#teaching.embedder.embed(texts, {
      normalize: true,
      ...(this.#prompt !== null && { prompt: this.#prompt }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
  }

  /**
   * Embeds texts that have no vector yet, and trains; `keep`: strength, name weight and temperature stay the
   * same.
   */
  async #learn(
    { signal, onProgress }: Pick<CheckedTeachOptions, "signal" | "onProgress">,
    keep: boolean,
  ): Promise<void> {
    this.#checkTeachable();
    const labels = [...this.#set.labels];
    const { entries: examples, examples: learnt, changes } = this.#set;
    const { width } = this.#teaching.embedder.info.model;
    this.#probe ??= await this.#embedOne(PROBE);
    const embedding = onProgress && ((progress: CallProgress) => onProgress({ stage: "embed", ...progress }));
    await this.#complete(labels, examples, { signal, onProgress: embedding });
    const names = labels.flatMap(({ vectors }, label) => vectors!.map((vector) => ({ vector, label })));
    const trained = await this.#teaching.session.teach(
      {
        type: "teach",
        width,
        labels: labels.length,
        multi: this.#set.multi,
        vectors: joined(
          examples.map(({ vector }) => vector!),
          width,
        ),
        targets: examples.map((example) => example.labels),
        names: joined(
          names.map(({ vector }) => vector),
          width,
        ),
        nameLabels: names.map(({ label }) => label),
        former: keep ? this.#trained : null,
        progress: onProgress !== null,
      },
      signal,
      onProgress && ((progress) => onProgress({ stage: "train", ...progress })),
    );
    this.#trained = trained;
    this.#learnt = learnt;
    this.#learntLabels = labels.map(({ name }) => name);
    if (!keep) this.#found = changes;
  }

  /** Embeds the labels' names and the examples that have no vectors yet. */
  async #complete(labels: Label[], examples: StoredExample[], call: EmbedCall): Promise<void> {
    const unnamed = labels.filter(({ vectors }) => vectors === null);
    const unread = examples.filter(({ vector }) => vector === null);
    const names = unnamed.map(textsOf);
    const texts = [...names.flat(), ...unread.map(({ text }) => text)];
    if (texts.length === 0) return;
    const vectors = (await this.#embed(texts, call)).values();
    const next = () => vectors.next().value!;
    unnamed.forEach((label, i) => {
      label.vectors = names[i]!.map(next);
    });
    for (const example of unread) example.vector = next();
  }
}

function joined(vectors: readonly Float32Array[], width: number): Float32Array {
  const all = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    all.set(vector, i * width);
  });
  return all;
}
