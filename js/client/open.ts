/** Opens a model for `Classifier.load`, or the lexicon until the model is ready. */

import type { Platform } from "./channel.js";
import { TabsenseError } from "../api/errors.js";
import type { CheckedLoadOptions } from "../api/options.js";
import type { Answer, ClassifyRequest } from "./protocol.js";
import { openSession, type Session } from "./session.js";
import { answer, infoOf, loadLexicon, type Lexicon } from "./stand-in.js";
import type { ClassifierInfo } from "../api/info.js";
import { SENTIMENT_LABELS, type CallProgress, type Source } from "../api/types.js";

/**
 * The labels of a model without NEUTRAL: the lexicon returns that label until the model is ready, the model
 * never does.
 */
const POLAR_LABELS = SENTIMENT_LABELS.filter((label) => label !== "NEUTRAL");

/** The session of a classifier: a model, or the lexicon until the model is ready. */
export interface ClassifierSession extends Pick<Session, "name" | "state" | "ended" | "dispose"> {
  classify(
    request: ClassifyRequest,
    signal: AbortSignal | null,
    onProgress: ((progress: CallProgress) => void) | null,
  ): Promise<Answer[]>;
  /** Null without `instant`: no lexicon answers, or ever did. */
  standIn: StandIn | null;
}

/** The lexicon that answers until the model is ready. */
export interface StandIn {
  /** Fulfils once the model has replaced it; rejects if the model fails. The rejection may be ignored. */
  ready: Promise<void>;
  /** Null once the model answers. */
  info(): ClassifierInfo | null;
}

/** What answers at the moment. */
interface Current {
  /** The model, as soon as it is loaded; until then, the lexicon answers. */
  model: (Session & Pick<ClassifierSession, "classify">) | null;
  /** Why the lexicon answers, in a sentence. */
  reason: string;
  /** Why calls are rejected, or null. */
  end: TabsenseError | null;
}

/** The session of a classifier. Rejects with the reason of `options.signal` if that fires. */
export async function open(
  platform: Platform,
  source: Source,
  options: CheckedLoadOptions,
): Promise<ClassifierSession> {
  options.signal?.throwIfAborted();
  if (options.instant) return openInstant(platform, source, options);
  const model = await openSession(platform, source, "classify", options);
  return { ...model, classify: model.ask, standIn: null };
}

/**
 * Answers from the lexicon at once, and from the model as soon as it is loaded. Rejects if the lexicon can't
 * be loaded or the source can't be resolved.
 */
async function openInstant(
  platform: Platform,
  source: Source,
  options: CheckedLoadOptions,
): Promise<ClassifierSession> {
  const resolved = await platform.resolve(source, options);
  const current: Current = { model: null, reason: "The model is still loading.", end: null };
  const { signal } = options;
  const loadAbort = new AbortController();
  const abortLoad = () => loadAbort.abort(signal?.aborted ? signal.reason : current.end);
  signal?.addEventListener("abort", abortLoad);

  /** Rejects everything, once the model's labels turn out to differ from the lexicon's. */
  function checkLabels(labels: readonly string[] | null): void {
    if (labels === null || [SENTIMENT_LABELS, POLAR_LABELS].some((supported) => areSame(supported, labels)))
      return;
    current.end ??= new TabsenseError(
      "invalid_argument",
      `The option instant is for English sentiment, with the labels NEGATIVE and POSITIVE, and optionally NEUTRAL. This model has ${labels.join(", ")}: load it without \`instant\`.`,
    );
    abortLoad();
  }

  async function load(): Promise<void> {
    try {
      const there = { ...platform, resolve: async () => resolved };
      const loading = { ...options, signal: loadAbort.signal };
      const model = await openSession(there, source, "classify", loading, (config) =>
        checkLabels(labelsIn(config)),
      );
      checkLabels(model.state().info.labels);
      if (loadAbort.signal.aborted) {
        await model.dispose();
        throw loadAbort.signal.reason;
      }
      current.model = { ...model, classify: model.ask };
    } catch (thrown) {
      const error = current.end ?? thrown;
      current.reason = `The model could not be loaded. ${error instanceof Error ? error.message : String(error)}`;
      throw error;
    } finally {
      signal?.removeEventListener("abort", abortLoad);
    }
  }

  const ready = load();
  const settled = ready.catch(() => {});
  try {
    const lexicon = await loadLexicon();
    signal?.throwIfAborted();
    return sessionOf(lexicon, resolved.name, current, ready, async () => {
      abortLoad();
      await settled;
      await current.model?.dispose();
    });
  } catch (thrown) {
    abortLoad();
    await settled;
    await current.model?.dispose();
    throw thrown;
  }
}

function sessionOf(
  lexicon: Lexicon,
  name: string,
  current: Current,
  ready: Promise<void>,
  close: () => Promise<void>,
): ClassifierSession {
  let closed: Promise<void> | null = null;
  return {
    name,
    // Called only once the model has replaced the lexicon.
    state: () => current.model!.state(),
    async classify(request, signal, onProgress) {
      if (!current.model) return answer(lexicon, request, signal, onProgress, () => current.end);
      return (await current.model.classify(request, signal, onProgress)).map(fromModel);
    },
    ended: () => current.end ?? current.model?.ended() ?? null,
    dispose() {
      current.end = new TabsenseError("disposed", "The model was disposed of. Load it again.");
      return (closed ??= close());
    },
    standIn: { ready, info: () => (current.model ? null : infoOf(lexicon, name, current.reason)) },
  };
}

function fromModel(answer: Answer): Answer {
  return { ...answer, scores: answer.scores.map((score) => ({ ...score, source: "model" })) };
}

/** Whether two sets of labels are the same, in any order. */
function areSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((label) => others.includes(label));
}

/** The labels in a `config.json`, or null: the engine reports what is wrong with it. */
function labelsIn(config: Uint8Array): string[] | null {
  try {
    const { id2label } = JSON.parse(new TextDecoder().decode(config)) as {
      id2label?: Record<string, unknown>;
    };
    return id2label ? Object.values(id2label).map(String) : null;
  } catch {
    return null;
  }
}
