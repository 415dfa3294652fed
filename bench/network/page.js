// What a page does that classifies: the same with either library. Its clock starts with the navigation.

const { library, runtime, model, dtype, texts, warmUp } = JSON.parse(
  decodeURIComponent(location.hash.slice(1)),
);

async function measure() {
  const { env, pipeline } = await import(library);
  env.remoteHost = `${location.origin}/`;
  if (runtime) env.backends.onnx.wasm.wasmPaths = runtime;
  const classify = await pipeline("text-classification", model, { device: "wasm", dtype });
  const answers = [await classify(texts[0])];
  const firstLabel = performance.now();
  for (const text of texts.slice(0, warmUp)) await classify(text);
  const times = [];
  for (const text of texts.slice(1)) {
    const start = performance.now();
    answers.push(await classify(text));
    times.push(performance.now() - start);
  }
  const labels = answers.map(([{ label }]) => label);
  return { firstLabel, times, labels };
}

window.measured = measure();
