/** The model, for `Classifier.load(model)` of the package `tabsense`. */
declare const model: {
  readonly name: "sentiment-en@1";
  /** Where its files are. */
  readonly files: {
    readonly [name in "config.json" | "tokenizer.json" | "tokenizer_config.json" | "model.safetensors"]: URL;
  };
};
export default model;
