/** The settings of an embedder, from its files and the options. */

import { quoted } from "../api/quoted.js";
import type { Pooling } from "../api/vector-types.js";
import type { Embedding } from "../client/protocol.js";
import type { EmbeddingFiles } from "../files/embedding-files.js";
import { readModules, readSentenceFiles, unsupported } from "./sentence-transformers.js";

/** The only folder from which a pooling's file is read. */
const POOLING_FOLDER = "1_Pooling";

/**
 * The settings in the files. The pooling is the `requested` one, else the files', else the mean.
 * `config` is the model's `config.json`, which says for a static embedding whether vectors are normalized.
 *
 * Throws as `readSentenceFiles` does.
 */
export function readEmbedding(
  requested: Pooling | null,
  files: EmbeddingFiles,
  config: Uint8Array,
): Embedding {
  const modules = files["modules.json"];
  const folder = modules && readModules(modules).poolingFolder;
  if (requested === null && folder != null && folder !== POOLING_FOLDER) {
    throw unsupported(
      `modules.json has its pooling in the folder ${quoted(folder)}: only ${POOLING_FOLDER} is read. Load it with ` +
        "the option pooling.",
    );
  }
  const settings = readSentenceFiles({
    modules,
    pooling: requested === null ? files["1_Pooling/config.json"] : undefined,
    sentenceTransformers: files["config_sentence_transformers.json"],
    sentenceBert: files["sentence_bert_config.json"],
  });
  const { pooling, normalize, prompts, defaultPrompt, maxTokens, lowerCase } = settings;
  return {
    pooling: requested ?? pooling ?? "mean",
    normalize: normalize || (!modules && normalizesVectors(config)),
    prompts,
    defaultPrompt,
    maxTokens,
    lowerCase,
  };
}

/** Whether a `config.json` of model2vec normalizes vectors; older models have no `modules.json`. */
function normalizesVectors(config: Uint8Array): boolean {
  try {
    const fields = JSON.parse(new TextDecoder().decode(config)) as { normalize?: unknown } | null;
    return fields?.normalize === true;
  } catch {
    return false; // the engine reports what is wrong with it
  }
}
