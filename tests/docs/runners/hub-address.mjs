// The addresses that documents name at the model hub; the smallest model answers at them, in a browser
// (browser.mjs) as in Node (hub.mjs).

/** Whether an address is that of a file that a model may have; those of the documents have none. */
export const isOptional = (url) => url.endsWith("/tokenizer_config.json");

/** A file of a model on the hub, whatever the model; the group is the file's name. */
export const HUB =
  /^https:\/\/huggingface\.co\/[^/]+\/[^/]+\/resolve\/[^/]+\/(config\.json|tokenizer\.json|model\.safetensors)$/;
