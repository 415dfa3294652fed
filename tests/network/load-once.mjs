// `node load-once.mjs URL FOLDER TEXT`: loads a model in a separate process, with its copies in a folder, and
// prints its answer.

import { loadInNode } from "./node.mjs";

const [, , url, store, text] = process.argv;
const repository = {
  url,
  target: "model.safetensors",
  onRead: () => void fetch(`${url}@read`).catch(() => {}),
};
process.stdout.write(JSON.stringify(await loadInNode(repository, { text, cache: true, store })));
