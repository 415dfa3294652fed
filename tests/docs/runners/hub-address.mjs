// The model hub's addresses that documents name; in a browser (browser.mjs) and in Node (hub.mjs), they serve
// the smallest model.

/** Whether an address is that of an optional file, which the models here don't have. */
export const isOptional = (url) => url.endsWith("/tokenizer_config.json");

/** The listing of a model on the hub. */
export const LISTING = /^https:\/\/huggingface\.co\/api\/models\/[^/]+\/[^/]+\/tree\/[^/]+\?recursive=true$/;

/** The listing of the smallest model, whose files have these lengths. */
export const listing = (lengths) =>
  JSON.stringify(Object.entries(lengths).map(([path, size]) => ({ type: "file", path, size })));

/** A file of any model on the hub; the group is the file's name. */
export const HUB =
  /^https:\/\/huggingface\.co\/[^/]+\/[^/]+\/resolve\/[^/]+\/(config\.json|tokenizer\.json|model\.safetensors)$/;
