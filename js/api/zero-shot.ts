/** Labels that are passed with each call, scored by a model for natural language inference or an embedder. */

import type { Session } from "../client/session.js";
import type { Labelling } from "../zero-shot/labelling.js";
import { sessionOf, type LoadedEmbedder } from "./embedder.js";
import { TabsenseError } from "./errors.js";
import type { ModelInfo } from "./info.js";
import { loadTasks } from "./load-tasks.js";
import { LoadedModel } from "./model.js";
import type { ZeroShotOptions, ZeroShotScore } from "./vector-types.js";

/** What a `ZeroShot` is made of: a model's session, and how its answers become labels. */
export interface Opened {
  session: OwnedSession;
  labelling: Labelling;
}

type OwnedSession = Pick<Session, "name" | "state" | "dispose">;

/** `ZeroShot` without loading, which differs between browsers and Node. */
export abstract class LoadedZeroShot extends LoadedModel {
  readonly #labelling: Labelling;

  protected constructor({ session, labelling }: Opened) {
    super(session);
    this.#labelling = labelling;
  }

  /** What was loaded, with what there is to say of its labels among the warnings. */
  override get info(): ModelInfo {
    const info = super.info;
    return { ...info, warnings: [...info.warnings, ...this.#labelling.warnings] };
  }

  /**
   * Scores `labels` for a text, best first. The labels are an array, or one string with commas between
   * them. A text longer than the model's maximum is cut, a label never.
   *
   * With an NLI model a score is its certainty that the text entails the label in the template: of all labels
   * together, or with `multiLabel` of each by itself. With an embedder it is the softmax of 20 times the cosine of
   * the text's vector and the label's; with `multiLabel` the cosine itself, 0 at least.
   *
   * Rejects with the reason of `options.signal`; with a {@link TabsenseError} otherwise: kind `"invalid_argument"`
   * without a label or a text, with too many labels, a label that leaves no room for a text, or a template without
   * `{}`.
   */
  classify(
    text: string,
    labels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotScore[]>;
  /** The labels of many texts, which is faster than a call for each. */
  classify(
    texts: readonly string[],
    labels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotScore[][]>;
  classify(
    input: string | readonly string[],
    labels: string | readonly string[],
    options?: ZeroShotOptions,
  ): Promise<ZeroShotScore[] | ZeroShotScore[][]> {
    return this.#labelling.classify(input, labels, options);
  }
}

/**
 * An NLI model. Kind `"config_unsupported"` where the model's labels are another's; it is disposed of then.
 */
export async function openEntailment(opening: Promise<Session>): Promise<Opened> {
  const session = await opening;
  try {
    const { byEntailment } = await loadTasks();
    return { session, labelling: byEntailment(session) };
  } catch (thrown) {
    await session.dispose();
    throw thrown;
  }
}

/**
 * An embedder, which is loaded already and stays so: kind `"invalid_argument"` where there are `options` to load one
 * with.
 */
export async function openEmbedder(embedder: LoadedEmbedder, options: unknown): Promise<Opened> {
  if (options !== undefined)
    throw new TabsenseError(
      "invalid_argument",
      "The embedder is already loaded. Pass the options to Embedder.load, not to ZeroShot.load.",
    );
  const { bySimilarity } = await loadTasks();
  const session = borrowed(sessionOf(embedder));
  return { session, labelling: bySimilarity((texts, call) => embedder.embed(texts, call), session.ended) };
}

/** The session of an embedder that is not this model's to end. */
function borrowed(session: Session): OwnedSession & Pick<Session, "ended"> {
  let over: TabsenseError | null = null;
  return {
    name: session.name,
    state: session.state,
    ended: () => over ?? session.ended(),
    async dispose() {
      over ??= new TabsenseError(
        "disposed",
        "The ZeroShot was disposed of. Create a new one from the embedder.",
      );
    },
  };
}
