import { Classifier, type Model, type ModelFiles, type Score } from "tabsense";
import { Classifier as WithOneBuild } from "tabsense/simd";
import model from "tabsense/model/sentiment-en";
import wasm from "tabsense/wasm/simd.wasm";

const named: Model = model;
const files: ModelFiles = model.files;

export const loaded: Promise<Classifier>[] = [
  Classifier.load(named),
  Classifier.load(files, { wasm }),
  Classifier.load(
    { ...model.files, "config.json": new Uint8Array(1) },
    { wasm: new URL("https://example.com/engine.wasm") },
  ),
];
export const scores: Promise<Score[]> = WithOneBuild.load(model).then((classifier) =>
  classifier.classify("a text"),
);

// @ts-expect-error: config.json is missing
void Classifier.load({ name: "x", files: { "vocab.txt": new URL("https://example.com/vocab.txt") } });
