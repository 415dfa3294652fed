/** A loaded model that finds entities in texts. */

import type { Session } from "../client/session.js";
import { loadTasks } from "./load-tasks.js";
import { LoadedModel } from "./model.js";
import type { Entity, RedactOptions, Redaction, TaggedEntities, TagOptions } from "./tag-types.js";

/** A tagger without `load`, which differs between browsers and Node. */
export abstract class LoadedTagger extends LoadedModel {
  readonly #session: Session;
  readonly #disposal = new AbortController();

  protected constructor(session: Session) {
    super(session);
    this.#session = session;
  }

  /**
   * The entities of a text, in text order. A text longer than the model's maximum is read in overlapping
   * windows.
   *
   * Rejects with the reason of `options.signal` if that aborts, otherwise with a {@link TabsenseError}.
   */
  tag(text: string, options?: TagOptions): Promise<Entity[]>;
  /** The entities of many texts in one call, which is faster than a call for each. */
  tag(texts: readonly string[], options?: TagOptions): Promise<Entity[][]>;
  async tag(input: string | readonly string[], options?: TagOptions): Promise<Entity[] | Entity[][]> {
    return (await loadTasks()).tagTexts(this.#session, input, options);
  }

  /**
   * Masks the entities of a text with placeholders, which the result's `restore` replaces with the entities
   * again. For overlapping entities, see {@link Redaction}.
   *
   * No model finds everything: what it misses stays in the text.
   *
   * Rejects with the reason of `options.signal` if that aborts, otherwise with a {@link TabsenseError}: of
   * kind `"invalid_argument"` for a label in `options.labels` that neither the model nor a pattern has.
   */
  redact(text: string, options?: RedactOptions): Promise<Redaction>;
  /** Masks the entities of many texts in one call. Numbering of placeholders restarts for each text. */
  redact(texts: readonly string[], options?: RedactOptions): Promise<Redaction[]>;
  async redact(input: string | readonly string[], options?: RedactOptions): Promise<Redaction | Redaction[]> {
    return (await loadTasks()).redactTexts(this.#session, input, options);
  }

  /**
   * Yields the entities of each text, in order, as texts arrive. Texts are computed in groups; the next
   * group is read meanwhile. Leaving the loop closes the source.
   */
  async *stream(
    texts: Iterable<string> | AsyncIterable<string> | ReadableStream<string>,
    options?: Omit<TagOptions, "onProgress">,
  ): AsyncGenerator<TaggedEntities, void, undefined> {
    yield* (await loadTasks()).tagStream(this.#session, this.#disposal.signal, texts, options);
  }

  override dispose(): Promise<void> {
    const disposed = super.dispose();
    this.#disposal.abort();
    return disposed;
  }
}
