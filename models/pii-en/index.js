// The model's files, named so that bundlers emit them, and servers and CDNs serve them as they lie here.
export default {
  name: "pii-en",
  files: {
    "config.json": new URL("./config.json", import.meta.url),
    "tokenizer.json": new URL("./tokenizer.json", import.meta.url),
    "tokenizer_config.json": new URL("./tokenizer_config.json", import.meta.url),
    "onnx/model_q4.onnx": new URL("./onnx/model_q4.onnx", import.meta.url),
  },
};
