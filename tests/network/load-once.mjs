// `node load-once.mjs URL FOLDER TEXT`: loads a model with its copies in a folder, in a process of its own, and prints
// its answer.

import { loadInNode } from "./node.mjs";

const [, , url, store, text] = process.argv;
const repository = {
  url,
  target: "model.safetensors",
  onRead: () => void fetch(`${url}@read`).catch(() => {}),
};
process.stdout.write(JSON.stringify(await loadInNode(repository, { text, cache: true, store })));
