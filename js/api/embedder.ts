/** A loaded encoder that embeds texts. */

import type { Session } from "../client/session.js";
import { TabsenseError } from "./errors.js";
import { loadTasks } from "./load-tasks.js";
import { LoadedModel } from "./model.js";
import { callback, flag, invalid, kindOf, record, signal, text } from "./options.js";
import type { TaughtClassifier } from "../teach/taught.js";
import type { Examples, TeachOptions } from "./teach-types.js";
import type { CallProgress } from "./types.js";
import type { EmbedOptions } from "./vector-types.js";

/** The session of an embedder. */
export let sessionOf: (embedder: LoadedEmbedder) => Session;

/** An embedder without `load`, which differs between browsers and Node. */
export abstract class LoadedEmbedder extends LoadedModel {
  readonly #session: Session;

  static {
    sessionOf = (embedder) => embedder.#session;
  }

  protected constructor(session: Session) {
    super(session);
    this.#session = session;
  }

  /**
   * The vector of a text: `info.model.width` numbers. An empty text has one, too. A text longer than the
   * model's maximum is cut.
   *
   * Rejects with the reason of `options.signal` if that aborts, otherwise with a {@link TabsenseError}.
   */
  embed(text: string, options?: EmbedOptions): Promise<Float32Array>;
  /** The vectors of many texts in one call, which is faster than a call for each. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  async embed(
    input: string | readonly string[],
    options?: EmbedOptions,
  ): Promise<Float32Array | Float32Array[]> {
    const checked = checkEmbedOptions(options);
    const { texts, single } = checkSentences(input, "embed");
    const ended = this.#session.ended();
    if (ended) throw ended;
    if (texts.length === 0) return [];
    const { embedding } = this.#session.state();
    const prompt = promptOf(checked, embedding?.prompts ?? {}, embedding?.defaultPrompt ?? null);
    const vectors = await this.#session.ask(
      {
        type: "rows",
        texts: texts.map((one) => (embedding?.lowerCase ? inLowerCase(prompt + one) : prompt + one)),
        cutText: false,
        progress: checked.onProgress !== null,
      },
      checked.signal,
      checked.onProgress,
    );
    const normalize = checked.normalize ?? embedding?.normalize ?? false;
    const finished = normalize ? vectors.map(normalized) : vectors;
    return single ? finished[0]! : finished;
  }

  /**
   * Teaches a classifier your own labels from examples: `{ billing: ["I was charged twice"], bug: [] }`, a
   * list of `{ text, label }`, or a list of `{ text, labels }` if a text may have several. The classifier is
   * usable as long as the embedder.
   *
   * Rejects with the reason of `options.signal`; with kind `"invalid_argument"` for examples that can't be
   * learnt from.
   */
  async teach(examples: Examples, options?: TeachOptions): Promise<TaughtClassifier> {
    const { TaughtClassifier } = await loadTasks();
    return TaughtClassifier.teach({ embedder: this, session: this.#session }, examples, options);
  }

  /**
   * The cosine similarity of two vectors of the same model, from -1 to 1; 0 if one is all zeros. They need
   * not be normalized.
   *
   * Throws kind `"invalid_argument"` if they are empty or differ in length.
   */
  similarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
    return cosine(a, b);
  }
}

/** Lowercases each character separately, like Python's tokenizers, regardless of its position in a word. */
function inLowerCase(text: string): string {
  return Array.from(text, (c) => c.toLowerCase()).join("");
}

/** The cosine of two vectors. */
function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const lengths = [a, b].map((vector) => (typeof vector === "object" ? vector?.length : undefined));
  if (!lengths[0] || lengths[0] !== lengths[1])
    throw new TabsenseError(
      "invalid_argument",
      `similarity needs two vectors of the same embedder, not ${lengths.map((n) => (n === undefined ? "none" : `one of ${n} numbers`)).join(" and ")}. Pass two vectors that embed returned.`,
    );
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab === 0 ? ab : ab / Math.sqrt(aa) / Math.sqrt(bb);
}

/** The vector normalized to length 1; a vector of zeros is unchanged. */
export function normalized(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return length === 0 ? vector : vector.map((x) => x / length);
}

/** Checks the texts of a call that doesn't accept pairs; `what` names the function in errors. */
export function checkSentences(given: unknown, what: string): { texts: string[]; single: boolean } {
  if (typeof given === "string") return { texts: [given], single: true };
  const wrong = Array.isArray(given) ? given.findIndex((one) => typeof one !== "string") : null;
  if (wrong === -1) return { texts: [...(given as string[])], single: false };
  throw new TabsenseError(
    "invalid_argument",
    wrong === null
      ? `${what} takes a string or an array of strings, not ${kindOf(given)}.`
      : `texts[${wrong}] is not a string but ${kindOf((given as unknown[])[wrong])}. Pass strings.`,
  );
}

/** `EmbedOptions`, checked. */
interface CheckedEmbedOptions {
  /** Null: as the model's files say. */
  normalize: boolean | null;
  prompt: string | null;
  promptName: string | null;
  signal: AbortSignal | null;
  onProgress: ((progress: CallProgress) => void) | null;
}

function checkEmbedOptions(options: EmbedOptions | undefined): CheckedEmbedOptions {
  const given = record(options, ["normalize", "prompt", "promptName", "signal", "onProgress"]);
  const prompt = given["prompt"] ?? null;
  if (prompt !== null && typeof prompt !== "string") throw invalid("prompt", "a string", prompt);
  const promptName = text(given, "promptName");
  if (prompt !== null && promptName !== null)
    throw new TabsenseError("invalid_argument", "Pass one of the options prompt and promptName, not both.");
  return {
    normalize: given["normalize"] === undefined ? null : flag(given, "normalize", false),
    prompt,
    promptName,
    signal: signal(given),
    onProgress: callback(given, "onProgress") as CheckedEmbedOptions["onProgress"],
  };
}

/** The prefix of each text. */
function promptOf(
  { prompt, promptName }: CheckedEmbedOptions,
  prompts: Readonly<Record<string, string>>,
  byDefault: string | null,
): string {
  const name = promptName ?? (prompt === null ? byDefault : null);
  if (name === null) return prompt ?? "";
  if (Object.hasOwn(prompts, name)) return prompts[name]!;
  const names = Object.keys(prompts).map((one) => JSON.stringify(one));
  throw new TabsenseError(
    "invalid_argument",
    `The model has no prompt ${JSON.stringify(name)}. ${names.length > 0 ? `It has ${names.join(", ")}.` : "It has none: pass the text itself as the option prompt."}`,
  );
}
