// Tabsense, in a page or in Node, as its users call it: text in, scores out, from a worker.

/** Loads the model at `model.source` (a URL or a folder). */
export async function load({ package: address, model, dtype }) {
  const { Classifier } = await import(address);
  const classifier = await Classifier.load(model.source, { dtype });
  const place = new Map(model.labels.map((label, index) => [label, index]));
  const toRow = (scores) => {
    const row = new Array(place.size);
    for (const { label, score } of scores) row[place.get(label)] = score;
    return row;
  };
  return {
    variant: classifier.info.build,
    async classify(texts) {
      if (texts.length === 1) return [toRow(await classifier.classify(texts[0], { topK: null }))];
      return (await classifier.classify(texts, { topK: null })).map(toRow);
    },
    memory: () => classifier.info.bytes.memory,
    dispose: () => classifier.dispose(),
  };
}
