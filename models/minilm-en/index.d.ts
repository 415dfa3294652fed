/** The model, for `Embedder.load(model)` of the package `tabsense`. */
declare const model: {
  readonly name: "minilm-en";
  /** Where its files are. */
  readonly files: {
    readonly [name in
      | "config.json"
      | "tokenizer.json"
      | "tokenizer_config.json"
      | "modules.json"
      | "config_sentence_transformers.json"
      | "sentence_bert_config.json"
      | "1_Pooling/config.json"
      | "model.safetensors"]: URL;
  };
};
export default model;
