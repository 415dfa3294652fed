// The model's files, named so that bundlers emit them, and servers and CDNs serve them as they lie here.
export default {
  name: "minilm-en",
  files: {
    "config.json": new URL("./config.json", import.meta.url),
    "tokenizer.json": new URL("./tokenizer.json", import.meta.url),
    "tokenizer_config.json": new URL("./tokenizer_config.json", import.meta.url),
    "modules.json": new URL("./modules.json", import.meta.url),
    "config_sentence_transformers.json": new URL("./config_sentence_transformers.json", import.meta.url),
    "sentence_bert_config.json": new URL("./sentence_bert_config.json", import.meta.url),
    "1_Pooling/config.json": new URL("./1_Pooling/config.json", import.meta.url),
    "model.safetensors": new URL("./model.safetensors", import.meta.url),
  },
};
