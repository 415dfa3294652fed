/** The models next to the page that a tab fetches on demand. */

/** A model that is served with the page. */
export interface OwnModel {
  /** Its folder in models/, which is its name for the package. */
  name: string;
  /** What it is, as part of a sentence. */
  description: string;
  /**
   * The file of its weights, and that file's bytes, which are most of the download; a test checks the files.
   */
  file: string;
  bytes: number;
}

/** Turns texts into vectors, for Teach and Zero-shot. */
export const ENCODER: OwnModel = {
  name: "minilm-en",
  description: "an English sentence encoder",
  file: "model.safetensors",
  bytes: 23_031_776,
};

/** Finds personal data, for Redact. */
export const TAGGER: OwnModel = {
  name: "pii-en",
  description: "an English tagger of personal data",
  file: "onnx/model_q4.onnx",
  bytes: 14_693_379,
};
