/** Labels that are passed with each call, scored by a model for natural language inference or an embedder. */

import type { Session } from "../client/session.js";
import type { Labelling } from "../zero-shot/labelling.js";
import { sessionOf, type LoadedEmbedder } from "./embedder.js";
import { TabsenseError } from "./errors.js";
import type { ModelInfo } from "./info.js";
import { loadTasks } from "./load-tasks.js";
import { LoadedModel } from "./model.js";
import type { ZeroShotOptions, ZeroShotScore } from "./vector-types.js";

/** The parts of a `ZeroShot`: a model's session, and the labelling that scores labels with it. */
export interface Opened {
  session: OwnedSession;
  labelling: Labelling;
}

type OwnedSession = Pick<Session, "name" | "state" | "dispose">;

/** `ZeroShot` without `load`, which differs between browsers and Node. */
export abstract class LoadedZeroShot extends LoadedModel {
  readonly #labelling: Labelling;

  protected constructor({ session, labelling }: Opened) {
    super(session);
    this.#labelling = labelling;
  }

  /** The loaded model; its warnings include those about its labels. */
  override get info(): ModelInfo {
    const info = super.info;
    return { ...info, warnings: [...info.warnings, ...this.#labelling.warnings] };
  }

  /**
   * Scores `labels` for a text, best first. The labels are an array, or one comma-separated string. A text
   * longer than the model's maximum is cut; a label never is.
   *
   * With an NLI model, a score is its certainty that the text entails the template with the label: compared
   * with the other labels, or with `multiLabel` for each label separately. With an embedder, it is the
   * softmax of 20 times the cosine of the text's vector and the label's; with `multiLabel`, the cosine
   * itself, but at least 0.
   *
   * Rejects with the reason of `options.signal` if that aborts, otherwise with a {@link TabsenseError}: kind
   * `"invalid_argument"` without a label or a text, with too many labels, a label that leaves no room for a
   * text, or a template without `{}`.
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
 * An NLI model. Kind `"config_unsupported"` if the labels are not those of an NLI model, which is then
 * disposed of.
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
 * An embedder that is already loaded, and stays so. Kind `"invalid_argument"` if there are `options`, which
 * are for loading.
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

/** The session of an embedder, which stays open when this model is disposed of. */
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
