/**
 * The architectures that run here, as in src/model/architecture.rs, and the defaults of their configurations.
 */

type Config = Readonly<Record<string, unknown>>;

const BERT: Config = {
  hidden_size: 768,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  intermediate_size: 3072,
  vocab_size: 30_522,
  max_position_embeddings: 512,
};

/** A configuration's defaults, by `model_type`. */
export const ARCHITECTURES: Readonly<Record<string, Config>> = {
  bert: BERT,
  camembert: BERT,
  "data2vec-text": BERT,
  distilbert: {
    dim: 768,
    n_heads: 12,
    n_layers: 6,
    hidden_dim: 3072,
    vocab_size: 30_522,
    max_position_embeddings: 512,
  },
  electra: { ...BERT, hidden_size: 256, num_attention_heads: 4, intermediate_size: 1024 },
  mpnet: { ...BERT, vocab_size: 30_527 },
  roberta: { ...BERT, vocab_size: 50_265 },
  "xlm-roberta": BERT,
};

/** How many positions of the table no token uses: those up to the padding's. */
export function reservedPositions(config: Config): number {
  switch (config["model_type"]) {
    case "mpnet":
      return 2;
    case "camembert":
    case "data2vec-text":
    case "roberta":
    case "xlm-roberta": {
      const padding = config["pad_token_id"];
      return typeof padding === "number" ? padding + 1 : 2;
    }
    default:
      return 0;
  }
}
