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
const SIDES = SENTIMENT_LABELS.filter((label) => label !== "NEUTRAL");

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
interface Course {
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
  const course: Course = { model: null, reason: "The model is still loading.", end: null };
  const { signal } = options;
  const unwanted = new AbortController();
  const giveUp = () => unwanted.abort(signal?.aborted ? signal.reason : course.end);
  signal?.addEventListener("abort", giveUp);

  /** Rejects everything, once the model's labels turn out to differ from the lexicon's. */
  function refuseOthers(labels: readonly string[] | null): void {
    if (labels === null || [SENTIMENT_LABELS, SIDES].some((ours) => areSame(ours, labels))) return;
    course.end ??= new TabsenseError(
      "invalid_argument",
      `The option instant is for English sentiment, with the labels NEGATIVE and POSITIVE, and optionally NEUTRAL. This model has ${labels.join(", ")}: load it without \`instant\`.`,
    );
    giveUp();
  }

  async function load(): Promise<void> {
    try {
      const there = { ...platform, resolve: async () => resolved };
      const loading = { ...options, signal: unwanted.signal };
      const model = await openSession(there, source, "classify", loading, (config) =>
        refuseOthers(labelsIn(config)),
      );
      refuseOthers(model.state().info.labels);
      if (unwanted.signal.aborted) {
        await model.dispose();
        throw unwanted.signal.reason;
      }
      course.model = { ...model, classify: model.ask };
    } catch (thrown) {
      const error = course.end ?? thrown;
      course.reason = `The model could not be loaded. ${error instanceof Error ? error.message : String(error)}`;
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  const ready = load();
  const settled = ready.catch(() => {});
  try {
    const lexicon = await loadLexicon();
    signal?.throwIfAborted();
    return sessionOf(lexicon, resolved.name, course, ready, async () => {
      giveUp();
      await settled;
      await course.model?.dispose();
    });
  } catch (thrown) {
    giveUp();
    await settled;
    await course.model?.dispose();
    throw thrown;
  }
}

function sessionOf(
  lexicon: Lexicon,
  name: string,
  course: Course,
  ready: Promise<void>,
  close: () => Promise<void>,
): ClassifierSession {
  let closed: Promise<void> | null = null;
  return {
    name,
    // Called only once the model has replaced the lexicon.
    state: () => course.model!.state(),
    async classify(request, signal, onProgress) {
      if (!course.model) return answer(lexicon, request, signal, onProgress, () => course.end);
      return (await course.model.classify(request, signal, onProgress)).map(fromModel);
    },
    ended: () => course.end ?? course.model?.ended() ?? null,
    dispose() {
      course.end = new TabsenseError("disposed", "The model was disposed of. Load it again.");
      return (closed ??= close());
    },
    standIn: { ready, info: () => (course.model ? null : infoOf(lexicon, name, course.reason)) },
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
