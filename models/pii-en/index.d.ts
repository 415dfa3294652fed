/** The model, for `Tagger.load(model)` of the package `tabsense`. */
declare const model: {
  readonly name: "pii-en";
  /** Where its files are. */
  readonly files: {
    readonly [name in "config.json" | "tokenizer.json" | "tokenizer_config.json" | "onnx/model_q4.onnx"]: URL;
  };
};
export default model;
