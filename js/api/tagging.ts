/** Turns the model's answers into entities. */

import type { Session } from "../client/session.js";
import { redact } from "../redact/redact.js";
import type { Entity, Redaction } from "../redact/types.js";
import { aggregator, softmaxRows } from "../tag/aggregate.js";
import { entitiesOf } from "../tag/entities.js";
import type { Aggregation, TaggedText } from "../tag/types.js";
import { checkSentences } from "./embedder.js";
import { TabsenseError } from "./errors.js";
import { streamAnswers } from "./stream.js";
import { type CheckedTagOptions, checkRedactOptions, checkTagOptions } from "./tag-options.js";
import type { RedactOptions, TaggedEntities, TagOptions } from "./tag-types.js";
import type { CallProgress } from "./types.js";

/** `tag` of a tagger. */
export async function tagTexts(
  session: Session,
  input: unknown,
  options: TagOptions | undefined,
): Promise<Entity[] | Entity[][]> {
  const checked = checkTagOptions(options, usual(session));
  const { texts, single } = checkSentences(input, "tag");
  const found = await find(session, texts, checked);
  return single ? found[0]! : found;
}

/** `redact` of a tagger. */
export async function redactTexts(
  session: Session,
  input: unknown,
  options: RedactOptions | undefined,
): Promise<Redaction | Redaction[]> {
  const checked = checkRedactOptions(options, usual(session), session.state().info.labels);
  const { texts, single } = checkSentences(input, "redact");
  const found = await find(session, texts, checked);
  const masked = texts.map((text, i) => redact(text, found[i]!, checked.mask));
  return single ? masked[0]! : masked;
}

/** `stream` of a tagger. */
export async function* tagStream(
  session: Session,
  disposal: AbortSignal,
  texts: unknown,
  options: TagOptions | undefined,
): AsyncGenerator<TaggedEntities, void, undefined> {
  const { onProgress, ...checked } = checkTagOptions(options, usual(session));
  if (onProgress) {
    throw new TabsenseError(
      "invalid_argument",
      "stream doesn't support onProgress. Count its results instead.",
    );
  }
  const answer = (group: readonly unknown[], signal: AbortSignal) =>
    find(session, checkSentences(group, "stream").texts, { ...checked, signal, onProgress: null });
  const { signal } = checked;
  const answering = { answer, ended: session.ended, disposal };
  for await (const { index, text, answer } of streamAnswers(answering, texts, signal))
    yield { index, text: text as string, entities: answer };
}

/**
 * The tokens of each text with their probabilities. Throws the error of `session.ended()`, if any, and the
 * reason of `signal`.
 */
export async function readTexts(
  session: Session,
  texts: string[],
  signal: AbortSignal | null,
  onProgress: ((progress: CallProgress) => void) | null,
): Promise<TaggedText[]> {
  const ended = session.ended();
  if (ended) throw ended;
  if (texts.length === 0) return [];
  const { labels } = session.state().info;
  const request = { type: "tag" as const, texts, progress: onProgress !== null };
  const answers = await session.ask(request, signal, onProgress);
  return answers.map(({ tokens, logits }, i) => {
    return { text: texts[i]!, tokens, scores: softmaxRows(logits, labels.length) };
  });
}

async function find(session: Session, texts: string[], checked: CheckedTagOptions): Promise<Entity[][]> {
  const { signal, onProgress } = checked;
  const read = await readTexts(session, texts, signal, onProgress);
  const aggregate = aggregator(session.state().info.labels);
  return read.map((text) => entitiesOf(text, aggregate, checked));
}

/** The default aggregation: by words if the vocabulary distinguishes them. */
function usual(session: Session): Aggregation {
  return session.state().info.spelling === "prefix" ? "first" : "simple";
}
