// The addresses that documents name at the model hub; the smallest model answers at them, in a browser
// (browser.mjs) as in Node (hub.mjs).

/** Whether an address is that of a file that a model may have; those of the documents have none. */
export const isOptional = (url) => url.endsWith("/tokenizer_config.json");

/** The listing of a model on the hub. */
export const LISTING = /^https:\/\/huggingface\.co\/api\/models\/[^/]+\/[^/]+\/tree\/[^/]+\?recursive=true$/;

/** What it says of the smallest model, whose files have these lengths. */
export const listing = (lengths) =>
  JSON.stringify(Object.entries(lengths).map(([path, size]) => ({ type: "file", path, size })));

/** A file of a model on the hub, whatever the model; the group is the file's name. */
export const HUB =
  /^https:\/\/huggingface\.co\/[^/]+\/[^/]+\/resolve\/[^/]+\/(config\.json|tokenizer\.json|model\.safetensors)$/;
