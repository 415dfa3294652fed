/** The models beside the page that a tab fetches when someone asks for it. */

/** One of them. */
export interface OwnModel {
  /** Its folder in models/, by which the package knows it. */
  name: string;
  /** What it is, in a sentence's middle. */
  what: string;
  /** The file of its weights, and the bytes of that, which are most of the download; a test asks the files. */
  file: string;
  bytes: number;
}

/** What makes vectors of texts, for Teach and Zero-shot. */
export const ENCODER: OwnModel = {
  name: "minilm-en",
  what: "an English sentence encoder",
  file: "model.safetensors",
  bytes: 23_031_776,
};

/** What finds personal data, for Redact. */
export const TAGGER: OwnModel = {
  name: "pii-en",
  what: "an English tagger of personal data",
  file: "onnx/model_q4.onnx",
  bytes: 14_693_379,
};
