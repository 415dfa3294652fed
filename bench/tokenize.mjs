// Computes a text's ids with the model's tokenizer.json, for the implementations without their own tokenizer.

import { Tokenizer } from "@huggingface/tokenizers";

/**
 * A function from a text to its ids, truncated to the model's length as by Hugging
 * Face: the last `[SEP]` stays.
 */
export function tokenizerOf(model) {
  const tokenizer = new Tokenizer({ ...model.tokenizer, truncation: null, padding: null }, {});
  return (text) => {
    const { ids } = tokenizer.encode(text);
    return ids.length > model.maxTokens ? [...ids.slice(0, model.maxTokens - 1), ids.at(-1)] : ids;
  };
}
