// The model's files, named so that bundlers emit them, and servers and CDNs serve them as they lie here.
export default {
  name: "sentiment-en@1",
  files: {
    "config.json": new URL("./config.json", import.meta.url),
    "tokenizer.json": new URL("./tokenizer.json", import.meta.url),
    "tokenizer_config.json": new URL("./tokenizer_config.json", import.meta.url),
    "model.safetensors": new URL("./model.safetensors", import.meta.url),
  },
};
