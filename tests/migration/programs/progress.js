// A list of files with a progress bar each, while the model loads.

import { env, pipeline } from "@huggingface/transformers";

env.remoteHost = window.HUB;
env.backends.onnx.wasm.wasmPaths = "/ort/";

const list = document.createElement("ul");
document.body.append(list);
const bars = new Map();

function onProgress(data) {
  console.log(data);
  switch (data.status) {
    case "initiate": {
      const item = document.createElement("li");
      const bar = document.createElement("progress");
      bar.max = 100;
      item.append(data.file, " ", bar);
      list.append(item);
      bars.set(data.file, bar);
      break;
    }
    case "progress":
      bars.get(data.file).value = data.progress;
      break;
    case "progress_total":
      document.title = `${Math.round(data.progress)} %`;
      break;
    case "done":
      bars.get(data.file).parentElement.classList.add("done");
      break;
    case "ready":
      list.dataset.ready = data.model;
      break;
  }
}

const classifier = await pipeline("text-classification", "org/mini-distilbert", {
  dtype: "q8",
  device: "wasm",
  progress_callback: onProgress,
});
console.log(await classifier(window.TEXTS[0]));
console.log("done");
