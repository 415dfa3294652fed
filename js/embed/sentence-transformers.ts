/**
 * Reads an encoder's sentence-transformers files: pooling, prompts and normalization.
 *
 * Source: `sentence-transformers` 6.2.
 */

import { TabsenseError } from "../api/errors.js";
import { quoted } from "../api/quoted.js";

/** The files that a model has, as bytes or text. */
export interface SentenceFiles {
  /** `modules.json` */
  modules?: Uint8Array | string | undefined;
  /** `config.json` in the folder of the module `Pooling`, usually `1_Pooling/config.json`. */
  pooling?: Uint8Array | string | undefined;
  /** `config_sentence_transformers.json` */
  sentenceTransformers?: Uint8Array | string | undefined;
  /** `sentence_bert_config.json` */
  sentenceBert?: Uint8Array | string | undefined;
}

/** How vectors of a model are compared. */
export type Similarity = "cosine" | "dot" | "euclidean" | "manhattan";

/** The settings in the files. */
export interface SentenceSettings {
  /** How a text's vector is computed from its tokens' states; null if no file says. */
  pooling: "mean" | "cls" | null;
  /** Whether vectors are normalized to length 1. */
  normalize: boolean;
  /** The prefixes that texts may have, by name. */
  prompts: Record<string, string>;
  /** The name of the prompt that is used unless the caller requests another. */
  defaultPrompt: string | null;
  /** How vectors are compared. */
  similarity: Similarity;
  /** The maximum number of tokens of a text, special ones included, if a file sets one. */
  maxTokens: number | null;
  /** Whether texts are lowercased, whatever the tokenizer does. */
  lowerCase: boolean;
  /** The folder of a static embedding's files, below the model's own; null for an encoder. */
  staticFolder: string | null;
}

/** The modules of a model. */
export interface Modules {
  /** The folder of the file in `SentenceFiles.pooling`; null without a module `Pooling`. */
  poolingFolder: string | null;
  /** Whether a module `Normalize` follows. */
  normalize: boolean;
  /** The folder of a static embedding's files; null for an encoder. */
  staticFolder: string | null;
}

const SIMILARITIES: readonly Similarity[] = ["cosine", "dot", "euclidean", "manhattan"];
/** Modes of the module `Pooling`, and the fields that name them in older files. */
const MODES = {
  pooling_mode_cls_token: "cls",
  pooling_mode_max_tokens: "max",
  pooling_mode_mean_tokens: "mean",
  pooling_mode_mean_sqrt_len_tokens: "mean_sqrt_len_tokens",
  pooling_mode_weightedmean_tokens: "weightedmean",
  pooling_mode_lasttoken: "lasttoken",
} as const;

/** The maximum number of names that a message lists. */
const MAX_NAMED = 8;

type Fields = Record<string, unknown>;

/**
 * Reads the files.
 *
 * Throws `config_invalid` if a file is not JSON or has a value of the wrong type, `not_a_model` for a web
 * page instead of a file, `config_unsupported` if the model computes something that an embedder here doesn't:
 * a further layer, another pooling, custom code.
 */
export function readSentenceFiles(files: SentenceFiles): SentenceSettings {
  const modules = files.modules === undefined ? null : readModules(files.modules);
  const further = fieldsOf("config_sentence_transformers.json", files.sentenceTransformers);
  const { prompts, defaultPrompt } = readPrompts(further);
  const bert = fieldsOf("sentence_bert_config.json", files.sentenceBert);
  const maxTokens = bert.max_seq_length ?? null;
  if (maxTokens !== null && !(Number.isInteger(maxTokens) && Number(maxTokens) > 0)) {
    throw invalid("sentence_bert_config.json", "max_seq_length", "a whole number of at least 1", maxTokens);
  }
  const lowerCase = flag("sentence_bert_config.json", bert, "do_lower_case") ?? false;
  const isStatic = modules !== null && modules.staticFolder !== null;
  const pooling = isStatic ? "mean" : readPooling(files.pooling, Object.values(prompts).some(Boolean));
  return {
    // Without its file, the module's default.
    pooling: pooling ?? (modules?.poolingFolder == null ? null : "mean"),
    normalize: modules?.normalize ?? false,
    prompts,
    defaultPrompt,
    similarity: readSimilarity(further),
    maxTokens: maxTokens as number | null,
    lowerCase,
    staticFolder: modules?.staticFolder ?? null,
  };
}

/** Reads `modules.json`. Throws as `readSentenceFiles` does. */
export function readModules(file: Uint8Array | string): Modules {
  const name = "modules.json";
  const list = parsed(name, file);
  if (!Array.isArray(list)) throw broken(name, "it must be a list of modules");
  const modules: Modules = { poolingFolder: null, normalize: false, staticFolder: null };
  list.forEach((entry: unknown, i) => {
    const { type, path = "" } = (isFields(entry) ? entry : {}) as Fields;
    if (typeof type !== "string" || typeof path !== "string") {
      throw broken(name, `module ${i} must have a type and a path, both strings`);
    }
    const folder = path.replace(/^\.?\/*|\/+$/g, "");
    const kind = type.slice(type.lastIndexOf(".") + 1);
    if (!type.startsWith("sentence_transformers.")) {
      throw unsupported(
        `${name} asks for ${quoted(type)}, custom code of the model, which is not run. Use a model without it.`,
      );
    }
    switch (kind) {
      case "Transformer":
      case "Dropout":
        return;
      case "StaticEmbedding":
        modules.staticFolder = folder;
        return;
      case "Pooling":
        modules.poolingFolder = folder;
        return;
      case "Normalize":
        // Before there is a vector, it does nothing.
        modules.normalize ||= modules.poolingFolder !== null || modules.staticFolder !== null;
        return;
      default:
        throw unsupported(
          `${name} has a module ${quoted(kind)}${kind === "Dense" ? ", a further layer on each vector" : ""}, which is not ` +
            "supported. Use a model of Transformer or StaticEmbedding, Pooling and Normalize.",
        );
    }
  });
  return modules;
}

function readPooling(file: Uint8Array | string | undefined, prompted: boolean): "mean" | "cls" | null {
  if (file === undefined) return null;
  const name = "1_Pooling/config.json";
  const fields = fieldsOf(name, file);
  let modes: unknown = fields.pooling_mode;
  if (modes === undefined) {
    modes = Object.entries(MODES).flatMap(([field, mode]) => (flag(name, fields, field) ? [mode] : []));
  }
  const list: unknown[] = Array.isArray(modes) ? modes : [modes];
  // In older files, the default is the mean.
  const [mode = "mean"] = list;
  if (list.length > 1) {
    throw unsupported(
      `${name} concatenates the poolings ${list.slice(0, MAX_NAMED).map(shown).join(", ")}: use a model with one of them.`,
    );
  }
  if (mode !== "mean" && mode !== "cls") {
    if (typeof mode !== "string") throw invalid(name, "pooling_mode", "a string", mode);
    throw unsupported(
      `${name} asks for the pooling ${quoted(mode)}, which is not supported: "mean" and "cls" are. Use a model with ` +
        "one of these.",
    );
  }
  if (prompted && flag(name, fields, "include_prompt") === false) {
    throw unsupported(
      `${name} leaves the prompt's tokens out of a vector (include_prompt false), which is not supported. Use a model ` +
        "that counts them.",
    );
  }
  return mode;
}

function readPrompts(fields: Fields): Pick<SentenceSettings, "prompts" | "defaultPrompt"> {
  const name = "config_sentence_transformers.json";
  const { prompts: all = null, default_prompt_name: defaultPrompt = null } = fields;
  if (all !== null && !isFields(all)) throw invalid(name, "prompts", "an object of strings", all);
  const prompts: [string, string][] = [];
  for (const [key, prompt] of Object.entries(all ?? {})) {
    if (prompt === null) continue;
    if (typeof prompt !== "string") throw invalid(name, `the prompt ${quoted(key)}`, "a string", prompt);
    prompts.push([key, prompt]);
  }
  if (defaultPrompt !== null && typeof defaultPrompt !== "string") {
    throw invalid(name, "default_prompt_name", "a string", defaultPrompt);
  }
  if (defaultPrompt !== null && !prompts.some(([key]) => key === defaultPrompt)) {
    const known = prompts.slice(0, MAX_NAMED).map(([key]) => quoted(key));
    throw broken(
      name,
      `default_prompt_name is ${quoted(defaultPrompt)}, but the prompts are: ${known.join(", ") || "none"}`,
    );
  }
  return { prompts: Object.fromEntries(prompts), defaultPrompt };
}

function readSimilarity(fields: Fields): Similarity {
  const { similarity_fn_name: name = null } = fields;
  if (name === null) return "cosine";
  const similarity = SIMILARITIES.find((known) => known === name);
  if (similarity) return similarity;
  throw unsupported(
    `config_sentence_transformers.json has similarity_fn_name ${shown(name)}: ${SIMILARITIES.join(", ")} are ` +
      "supported.",
  );
}

function flag(file: string, fields: Fields, name: string): boolean | null {
  const value = fields[name] ?? null;
  if (value !== null && typeof value !== "boolean") throw invalid(file, name, "true or false", value);
  return value;
}

function fieldsOf(name: string, file: Uint8Array | string | undefined): Fields {
  if (file === undefined) return {};
  const value = parsed(name, file);
  if (!isFields(value)) throw broken(name, "it must be an object");
  return value;
}

function parsed(name: string, file: Uint8Array | string): unknown {
  const text = typeof file === "string" ? file : new TextDecoder().decode(file);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    if (/^\s*</.test(text)) {
      const what = `${name} is a web page, not a model file: check the address, and that it needs no sign-in.`;
      throw new TabsenseError("not_a_model", what, { cause });
    }
    throw broken(name, "it is not JSON", cause);
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(file: string, field: string, wanted: string, value: unknown): TabsenseError {
  return broken(file, `${field} must be ${wanted}, not ${shown(value)}`);
}

function broken(file: string, why: string, cause?: unknown): TabsenseError {
  const message = `${file} can't be read: ${why}. Use the original file of sentence-transformers.`;
  return new TabsenseError("config_invalid", message, { cause });
}

/** The error for a model that computes something that an embedder here doesn't. */
export function unsupported(message: string): TabsenseError {
  return new TabsenseError("config_unsupported", message);
}

/** A value, for messages. */
function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}
