/** The small files of a model whose vocabulary is pruned: all token ids in them are renumbered. */

import type { SmallFiles } from "../worker/small-files.js";

/** A smaller vocabulary. */
export interface SmallerVocabulary {
  /** The vocabulary's tokens, by their new ids. */
  readonly tokens: readonly string[];
  /** The added tokens outside of the vocabulary, whose ids follow. */
  readonly beyond: readonly string[];
  /** For each new id the old one. */
  readonly rows: Uint32Array;
}

type Json = Record<string, unknown>;

/** Settings such as `pad_token_id`. */
const NAMES_ID = /_token_id$/;

/** The ids that a configuration names. */
export function namedIds(config: Json): number[] {
  return Object.entries(config)
    .filter(([name]) => NAMES_ID.test(name))
    .flatMap(([, value]) => value)
    .filter((id) => typeof id === "number");
}

/** A JSON file's object. */
export function parsed(bytes: Uint8Array): Json {
  return JSON.parse(new TextDecoder().decode(bytes)) as Json;
}

/** The files for the smaller vocabulary `kept`. */
export function prunedFiles(files: SmallFiles, kept: SmallerVocabulary): SmallFiles {
  const { tokens, rows } = kept;
  const byToken = new Map([...tokens, ...kept.beyond].map((token, id) => [token, id]));
  const byId = new Map([...rows].map((old, id) => [old, id] as const).reverse());

  /** Settings that name the id of a removed token, which no text has, no longer name it. */
  const withIds = (settings: Json): Json =>
    mapped(settings, (name, value) => {
      if (!NAMES_ID.test(name)) return value;
      if (Array.isArray(value)) return value.map((id) => byId.get(id)).filter((id) => id !== undefined);
      return typeof value === "number" ? (byId.get(value) ?? null) : value;
    });
  /** Entries by the new ids of their tokens, without those whose token is removed. */
  const renumbered = <T extends { content?: unknown }>(entries: T[]): [number, T][] =>
    entries.flatMap((entry) => {
      const id = byToken.get(String(entry.content));
      return id === undefined ? [] : [[id, entry] as [number, T]];
    });
  const idOf = (id: unknown) => byId.get(id as number) ?? id;
  /** A post-processor: BERT's and RoBERTa's, a template, or a sequence of them. */
  const framed = (processor: Json): Json =>
    mapped(processor, (name, value) => {
      if (name === "processors") return (value as Json[]).map(framed);
      if (name === "sep" || name === "cls") return [(value as unknown[])[0], idOf((value as unknown[])[1])];
      if (name !== "special_tokens") return value;
      return mapped(value as Json, (_, token) => {
        const { ids, ...rest } = token as { ids: unknown[] };
        return { ...rest, ids: ids.map(idOf) };
      });
    });
  const padded = (padding: Json): Json | null => {
    const id = byToken.get(String(padding["pad_token"]));
    return id === undefined ? null : { ...padding, pad_id: id };
  };

  const config = (file: Json) => ({ ...withIds(file), vocab_size: rows.length });
  const tokenizer = (file: Json) => ({
    ...file,
    padding: file["padding"] ? padded(file["padding"] as Json) : null,
    added_tokens: renumbered((file["added_tokens"] ?? []) as { content?: unknown }[]).map(([id, token]) => ({
      ...token,
      id,
    })),
    post_processor: file["post_processor"] ? framed(file["post_processor"] as Json) : null,
    model: { ...(file["model"] as Json), vocab: Object.fromEntries(tokens.map((token, id) => [token, id])) },
  });
  const tokenizerConfig = (file: Json) => {
    const decoder = file["added_tokens_decoder"] as Record<string, { content?: unknown }> | undefined;
    return {
      ...withIds(file),
      ...(decoder && { added_tokens_decoder: Object.fromEntries(renumbered(Object.values(decoder))) }),
    };
  };
  const addedTokens = (file: Json) =>
    Object.fromEntries(
      renumbered(Object.keys(file).map((content) => ({ content }))).map(([id, { content }]) => [content, id]),
    );
  const older = (name: string, bytes: Uint8Array) => {
    if (name === "vocab.txt") return new TextEncoder().encode(tokens.map((token) => `${token}\n`).join(""));
    return name === "added_tokens.json" ? edited(bytes, addedTokens) : bytes;
  };

  return {
    ...files,
    config: edited(files.config, config),
    tokenizer: files.tokenizer && edited(files.tokenizer, tokenizer, 0),
    tokenizerConfig: files.tokenizerConfig && edited(files.tokenizerConfig, tokenizerConfig),
    older: files.older.map(([name, bytes]) => [name, older(name, bytes)]),
  };
}

function mapped(object: Json, map: (name: string, value: unknown) => unknown): Json {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(name, value)]));
}

function edited(bytes: Uint8Array, edit: (file: Json) => Json, indent = 2): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(edit(parsed(bytes)), null, indent)}\n`);
}
