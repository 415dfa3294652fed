/** The files that describe how an embedder computes its vectors, as `sentence-transformers` writes them. */

/** Their names in a repository. */
export const EMBEDDING_FILES = [
  "modules.json",
  "1_Pooling/config.json",
  "config_sentence_transformers.json",
  "sentence_bert_config.json",
] as const;

/** The name of one of them. */
export type EmbeddingFile = (typeof EMBEDDING_FILES)[number];

/** The contents of the files that exist. */
export type EmbeddingFiles = { readonly [name in EmbeddingFile]?: Uint8Array | undefined };
