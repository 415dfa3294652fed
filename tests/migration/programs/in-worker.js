// A page with the model in a worker: no import changes here.

const worker = new Worker("/programs/worker.js", { type: "module" });

worker.addEventListener("message", ({ data }) => {
  switch (data.status) {
    case "initiate":
    case "download":
    case "progress":
    case "progress_total":
    case "done":
      break;
    case "ready":
      console.log(data);
      break;
    case "complete":
      console.log(data.output);
      break;
    case "error":
      console.log(data.message);
      break;
    case "end":
      worker.terminate();
      console.log("done");
  }
});

for (const text of window.TEXTS) {
  worker.postMessage({ model: "local-mini", dtype: "q8", text });
  worker.postMessage({ model: "org/mini-distilbert", dtype: "fp32", text, hub: window.HUB });
}
worker.postMessage({ model: "org/absent", dtype: "q8", text: "a", hub: window.HUB });
worker.postMessage({ end: true });
