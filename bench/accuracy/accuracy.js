// Classifies texts with the package, for run.mjs.

import { Classifier } from "/package/index.js";

/** The build, dtype and weight bytes that ran, and each text's scores in the order of the labels. */
window.answers = async ({ model, threads, texts }) => {
  const classifier = await Classifier.load(new URL(model, location.href).href, { device: "cpu", threads });
  try {
    const {
      build,
      dtype,
      bytes,
      model: { labels },
    } = classifier.info;
    const results = await classifier.classify(texts, { topK: null });
    const scores = results.map((scores) =>
      labels.map((label) => scores.find((candidate) => candidate.label === label).score),
    );
    return { build, dtype, fileBytes: bytes.weights, scores };
  } finally {
    await classifier.dispose();
  }
};
