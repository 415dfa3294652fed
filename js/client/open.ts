/** Opens what `Classifier.load` asks for: a model, the lexicon, or the lexicon until the model is there. */

import type { Platform } from "./channel.js";
import { aborted, TabsenseError, toError } from "../api/errors.js";
import type { CheckedLoadOptions } from "../api/options.js";
import type { Answer } from "./protocol.js";
import { openSession, type Session } from "./session.js";
import { SENTIMENT_LABELS, type Source } from "../api/types.js";

/** js/lexicon.ts, which is a file of its own. */
type Lexicon = typeof import("../lexicon.js");

/** Who answers, as things stand. */
interface Course {
  /** The model from when on it is there; until then, the lexicon answers. */
  model: Session | null;
  /** Why the lexicon does, in a sentence. */
  reason: string;
  /** Why no call is answered any more, or null. */
  end: TabsenseError | null;
}

/** The session of a classifier. */
export async function open(
  platform: Platform,
  source: Source,
  options: CheckedLoadOptions,
): Promise<Session> {
  if (options.signal?.aborted) throw aborted("The loading");
  if (options.device === "lexicon") return openLexicon(options.signal);
  return options.instant ? openInstant(platform, source, options) : openSession(platform, source, options);
}

/** The lexicon alone. */
async function openLexicon(signal: AbortSignal | null): Promise<Session> {
  const lexicon = await loadLexicon();
  if (signal?.aborted) throw aborted("The loading");
  return sessionOf(
    lexicon,
    lexicon.NAME,
    { model: null, reason: "The lexicon was asked for.", end: null },
    Promise.resolve(),
    async () => {},
  );
}

/**
 * The lexicon at once, and the model as soon as it is there. It rejects where the lexicon can't be had, or
 * the source names nothing.
 */
async function openInstant(
  platform: Platform,
  source: Source,
  options: CheckedLoadOptions,
): Promise<Session> {
  const resolved = await platform.resolve(source, options);
  const course: Course = { model: null, reason: "The model is still loading.", end: null };
  const unwanted = new AbortController();
  const giveUp = () => unwanted.abort();
  options.signal?.addEventListener("abort", giveUp);

  /** Ends all, as soon as it shows that the lexicon's answers are not what the model's will be. */
  function refuseOthers(labels: readonly string[] | null): void {
    if (
      labels === null ||
      (labels.length === SENTIMENT_LABELS.length && SENTIMENT_LABELS.every((label) => labels.includes(label)))
    )
      return;
    course.end ??= new TabsenseError(
      "invalid_argument",
      `The option instant is for English sentiment, with the labels ${SENTIMENT_LABELS.join(" and ")}. This model has ${labels.join(", ")}: load it without.`,
    );
    giveUp();
  }

  async function load(): Promise<void> {
    try {
      const there = { ...platform, resolve: async () => resolved };
      const model = await openSession(there, source, { ...options, signal: unwanted.signal }, (config) =>
        refuseOthers(labelsIn(config)),
      );
      refuseOthers(model.state().info.labels);
      if (unwanted.signal.aborted) {
        await model.dispose();
        throw aborted("The loading");
      }
      course.model = model;
    } catch (thrown) {
      const error = course.end ?? toError(thrown);
      course.reason = `The model could not be loaded. ${error.message}`;
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", giveUp);
    }
  }

  const ready = load();
  const settled = ready.catch(() => {});
  try {
    const lexicon = await loadLexicon();
    if (options.signal?.aborted) throw aborted("The loading");
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

async function loadLexicon(): Promise<Lexicon> {
  try {
    return await import("../lexicon.js");
  } catch (cause) {
    throw new TabsenseError(
      "environment",
      `The lexicon could not be loaded (${cause instanceof Error ? cause.message : String(cause)}). Serve the package's dist folder whole, or load without \`instant\`.`,
      { cause },
    );
  }
}

function sessionOf(
  lexicon: Lexicon,
  name: string,
  course: Course,
  ready: Promise<void>,
  close: () => Promise<void>,
): Session {
  let closed: Promise<void> | null = null;
  return {
    name,
    // Asked for only where the stand-in has nothing to tell any more.
    state: () => course.model!.state(),
    async classify(request, signal, onProgress) {
      if (!course.model) {
        const answers = lexicon.answer(request, signal, onProgress, () => course.end);
        return { results: await answers.catch((thrown: unknown) => Promise.reject(toError(thrown))) };
      }
      const { results } = await course.model.classify(request, signal, onProgress);
      return { results: results.map(fromModel) };
    },
    ended: () => course.end ?? course.model?.ended() ?? null,
    dispose() {
      course.end = new TabsenseError("disposed", "The classifier was disposed of. Load a new one.");
      return (closed ??= close());
    },
    standIn: { ready, info: () => (course.model ? null : lexicon.infoOf(name, course.reason)) },
  };
}

function fromModel(answer: Answer): Answer {
  return { ...answer, scores: answer.scores.map((score) => ({ ...score, source: "model" })) };
}

/** The labels that a `config.json` names, or null: what is wrong with it, the engine tells. */
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
