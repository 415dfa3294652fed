/** The settings of an embedder, from its files and the options. */

import { quoted } from "../api/quoted.js";
import type { Pooling } from "../api/vector-types.js";
import type { Embedding } from "../client/protocol.js";
import type { EmbeddingFiles } from "../files/embedding-files.js";
import { readModules, readSentenceFiles, unsupported } from "./sentence-transformers.js";

/** The folder of the pooling's file, which is read wherever a model has it. */
const POOLING_FOLDER = "1_Pooling";

/**
 * What they say, with the pooling that was `asked` for, if one was; without either, the mean. `config`: the model's
 * `config.json`, which of a static embedding says itself whether vectors are scaled.
 *
 * Throws as `readSentenceFiles` does.
 */
export function readEmbedding(asked: Pooling | null, files: EmbeddingFiles, config: Uint8Array): Embedding {
  const modules = files["modules.json"];
  const folder = modules && readModules(modules).poolingFolder;
  if (asked === null && folder != null && folder !== POOLING_FOLDER) {
    throw unsupported(
      `modules.json has its pooling in the folder ${quoted(folder)}: only ${POOLING_FOLDER} is read. Load it with ` +
        "the option pooling.",
    );
  }
  const settings = readSentenceFiles({
    modules,
    pooling: asked === null ? files["1_Pooling/config.json"] : undefined,
    sentenceTransformers: files["config_sentence_transformers.json"],
    sentenceBert: files["sentence_bert_config.json"],
  });
  const { pooling, normalize, prompts, defaultPrompt, maxTokens, lowerCase } = settings;
  return {
    pooling: asked ?? pooling ?? "mean",
    normalize: normalize || (!modules && saysNormalize(config)),
    prompts,
    defaultPrompt,
    maxTokens,
    lowerCase,
  };
}

/** Whether a `config.json` of model2vec's scales vectors; older ones come without a `modules.json`. */
function saysNormalize(config: Uint8Array): boolean {
  try {
    const fields = JSON.parse(new TextDecoder().decode(config)) as { normalize?: unknown } | null;
    return fields?.normalize === true;
  } catch {
    return false; // the engine tells what is wrong with it
  }
}
