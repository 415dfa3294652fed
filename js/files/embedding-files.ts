/** The files that say how an embedder makes its vectors, as `sentence-transformers` writes them. */

import { TabsenseError } from "../api/errors.js";
import type { Embedding } from "../client/protocol.js";

/** Their names in a repository. */
export const EMBEDDING_FILES = [
  "modules.json",
  "1_Pooling/config.json",
  "config_sentence_transformers.json",
  "sentence_bert_config.json",
] as const;

/** The name of one of them. */
export type EmbeddingFile = (typeof EMBEDDING_FILES)[number];

/** The bytes of those that there are. */
export type EmbeddingFiles = { readonly [name in EmbeddingFile]?: Uint8Array | undefined };

/** The modules of a model that there is something for here. */
const MODULES = ["Transformer", "Pooling", "Normalize", "StaticEmbedding"];

/**
 * What they say; `pooling` is null where none does.
 *
 * Kind `"config_invalid"` for a file that is no JSON object of the right types, `"config_unsupported"` for a pooling
 * or a module that isn't there.
 *
 * Source: `sentence-transformers` 5, `models/Pooling.py`, `SentenceTransformer.py`.
 */
export function readEmbedding(
  files: EmbeddingFiles,
): Omit<Embedding, "pooling"> & { pooling: Embedding["pooling"] | null } {
  const modules = read(files, "modules.json", Array.isArray) ?? [];
  const names = (modules as { type?: unknown }[]).map((module) => String(module?.type).split(".").at(-1)!);
  const unknown = names.find((name) => !MODULES.includes(name));
  if (unknown !== undefined)
    throw new TabsenseError(
      "config_unsupported",
      `modules.json has the module ${unknown}, which is not supported. Take a model of ${MODULES.join(", ")}.`,
    );
  const prompting = object(files, "config_sentence_transformers.json");
  const prompts = Object.entries(prompting["prompts"] ?? {});
  if (!prompts.every(([, prompt]) => typeof prompt === "string"))
    throw wrong("config_sentence_transformers.json", "prompts must be texts by name");
  const byDefault = prompting["default_prompt_name"] ?? null;
  if (byDefault !== null && !prompts.some(([name]) => name === byDefault))
    throw wrong("config_sentence_transformers.json", "default_prompt_name must be the name of a prompt");
  const most = object(files, "sentence_bert_config.json")["max_seq_length"] ?? null;
  if (most !== null && !(typeof most === "number" && Number.isSafeInteger(most) && most > 0))
    throw wrong("sentence_bert_config.json", "max_seq_length must be a whole number of at least 1");
  return {
    pooling: poolingIn(object(files, "1_Pooling/config.json")),
    normalize: names.includes("Normalize"),
    prompts: Object.fromEntries(prompts) as Record<string, string>,
    defaultPrompt: byDefault as string | null,
    maxTokens: most,
  };
}

/** The one pooling that is switched on: by its name, or as one of many switches. */
function poolingIn(config: Record<string, unknown>): Embedding["pooling"] | null {
  const switches = Object.entries(config).filter(([key]) => key.startsWith("pooling_mode_"));
  const on = switches.filter(([, value]) => value === true).map(([key]) => key.slice("pooling_mode_".length));
  const named = config["pooling_mode"];
  const all = typeof named === "string" ? [named] : Array.isArray(named) ? named.map(String) : on;
  const mode = all.join(" and ");
  if (mode === "" && switches.length === 0) return null;
  if (mode === "mean" || mode === "mean_tokens") return "mean";
  if (mode === "cls" || mode === "cls_token") return "cls";
  throw new TabsenseError(
    "config_unsupported",
    `1_Pooling/config.json has the pooling ${mode || "none"}: mean and cls are supported. Take another model, or load it with the option pooling, whose vectors then are others than those it was trained for.`,
  );
}

function object(files: EmbeddingFiles, name: EmbeddingFile): Record<string, unknown> {
  return read(files, name, (value) => typeof value === "object" && !Array.isArray(value)) ?? {};
}

/** A file's value, which `fits`; null where there is no such file. */
function read<T>(files: EmbeddingFiles, name: EmbeddingFile, fits: (value: object) => boolean): T | null {
  const bytes = files[name];
  if (!bytes) return null;
  let value: unknown = null;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Told below.
  }
  if (typeof value === "object" && value !== null && fits(value)) return value as T;
  throw wrong(name, `it must be a JSON ${name === "modules.json" ? "array" : "object"}`);
}

function wrong(name: EmbeddingFile, what: string): TabsenseError {
  return new TabsenseError(
    "config_invalid",
    `${name} is wrong: ${what}. Take the file as sentence-transformers saved it.`,
  );
}
