// Tabsense, in a page or in Node, as its users call it: text in, scores out, from a worker.

/**
 * Loads the model at `model.source` (a URL or a folder) for `device`, on `threads` threads;
 * fails if it runs otherwise.
 */
export async function load({ package: address, model, dtype, device, threads }) {
  const { Classifier } = await import(address);
  const classifier = await Classifier.load(model.source, { device, dtype, threads });
  try {
    checkDevice(classifier, device);
    if (classifier.info.threads !== threads)
      throw new Error(`requested ${threads} threads, but the classifier uses ${classifier.info.threads}`);
  } catch (error) {
    await classifier.dispose();
    throw error;
  }
  const { webgpu } = classifier.info;
  const place = new Map(model.labels.map((label, index) => [label, index]));
  const toRow = (scores) => {
    const row = new Array(place.size);
    for (const { label, score } of scores) row[place.get(label)] = score;
    return row;
  };
  return {
    variant: classifier.info.build,
    adapter: device === "webgpu" ? { name: webgpu.adapter, software: webgpu.software } : null,
    async classify(texts) {
      const answers =
        texts.length === 1
          ? [await classifier.classify(texts[0], { topK: null })]
          : await classifier.classify(texts, { topK: null });
      checkDevice(classifier, device);
      return answers.map(toRow);
    },
    memory: () => classifier.info.bytes.memory,
    dispose: () => classifier.dispose(),
  };
}

/**
 * The CPU replaces a graphics card that is missing or was lost; its times must not be
 * mistaken for the card's.
 */
function checkDevice({ info }, device) {
  if (info.device !== device)
    throw new Error(
      `requested ${device}, but the classifier uses ${info.device}: ${info.webgpu?.reason ?? "no reason given"}`,
    );
}
