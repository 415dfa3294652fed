// The ids of a text, for the implementations that have no tokenizer of their own: from the model's
// tokenizer.json.

import { Tokenizer } from "@huggingface/tokenizers";

/**
 * A function from a text to its ids, cut to the model's length as Hugging Face cuts them: the last `[SEP]`
 * stays.
 */
export function tokenizerOf(model) {
  const tokenizer = new Tokenizer({ ...model.tokenizer, truncation: null, padding: null }, {});
  return (text) => {
    const { ids } = tokenizer.encode(text);
    return ids.length > model.maxTokens ? [...ids.slice(0, model.maxTokens - 1), ids.at(-1)] : ids;
  };
}
