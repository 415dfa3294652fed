// Code as users of transformers.js write it, compiled by tests/js/pipeline-types.test.mjs. It never runs.

import {
  env,
  LogLevel,
  pipeline,
  type DataType,
  type DeviceType,
  type PipelineType,
  type PretrainedModelOptions,
  type ProgressCallback,
  type ProgressInfo,
  type TextClassificationOutput,
  type TextClassificationPipeline,
  type TransformersEnvironment,
} from "tabsense";

/** The singleton from the transformers.js tutorials. */
class Sentiment {
  static readonly task = "sentiment-analysis" satisfies PipelineType;
  static model = "sentiment-en";
  static instance: Promise<TextClassificationPipeline> | null = null;

  static getInstance(progress_callback?: ProgressCallback): Promise<TextClassificationPipeline> {
    this.instance ??= pipeline(this.task, this.model, { progress_callback });
    return this.instance;
  }
}

export async function calls(): Promise<void> {
  const classify = await Sentiment.getInstance((progress) => console.log(progress.status));

  // For one text, one list, whatever `top_k` is.
  const one: TextClassificationOutput = await classify("text");
  const two: TextClassificationOutput = await classify("text", { top_k: 2 });
  const all: TextClassificationOutput = await classify("text", { top_k: null });
  const [{ label, score }] = (await classify("text")) as [{ label: string; score: number }];
  const sum: number = score + (one[0]?.score ?? 0);

  // For many texts, one list with `top_k` 1, otherwise a list each.
  const best: TextClassificationOutput = await classify(["a", "b"]);
  const bestToo: TextClassificationOutput = await classify(["a", "b"], { top_k: 1 });
  const lists: TextClassificationOutput[] = await classify(["a", "b"], { top_k: 2 });
  const allLists: TextClassificationOutput[] = await classify(["a", "b"], { top_k: null });
  const same: TextClassificationOutput = await classify(["a", "b"], {});
  const texts: readonly string[] = ["a"];
  const fixed: TextClassificationOutput = await classify(texts);
  console.log(label, sum, two, all, best, bestToo, lists[0]?.[0]?.label, allLists, same, fixed);

  const pair: TextClassificationOutput = await classify({ text: "a", text_pair: "b" }, { top_k: 2 });
  const mixed: TextClassificationOutput[] = await classify(["a", { text: "a", text_pair: "b" }], {
    top_k: 2,
  });
  console.log(pair, mixed);

  // @ts-expect-error: with two labels each there is a list for each text
  const wrong: TextClassificationOutput = await classify(["a", "b"], { top_k: 2 });
  // @ts-expect-error: transformers.js 2 called it so
  await classify("text", { topk: 2 });
  // @ts-expect-error: as transformers.js has it, it is text_pair
  await classify({ text: "a", pair: "b" });
  // @ts-expect-error: a number is not a text
  await classify(7);
  console.log(wrong);

  const task: "text-classification" = classify.task;
  const labels: string[] = Object.values(classify.model.config.id2label);
  console.log(task, labels, classify.classifier.info.device);
  await classify.dispose();
}

export async function loads(signal: AbortSignal, files: File[]): Promise<void> {
  const device: DeviceType = "webgpu";
  const dtype: DataType = "q8";
  const options: PretrainedModelOptions = {
    device,
    dtype,
    revision: "main",
    local_files_only: false,
    subfolder: "onnx",
    session_options: {},
    use_external_data_format: false,
  };
  await pipeline("text-classification");
  await pipeline("text-classification", null, options);
  await pipeline("text-classification", "org/name", {
    ...options,
    signal,
    threads: 2,
    worker: false,
    models: "/models/",
    hub: "https://hub.example",
  });
  await pipeline("text-classification", files, { device: { model: "wasm" }, dtype: { model: "q4" } });
  await pipeline("text-classification", "org/name", { progress_callback: show });
  // @ts-expect-error: there is one task, by two names
  await pipeline("summarization");
  // @ts-expect-error: a number format without a counterpart
  await pipeline("text-classification", "org/name", { dtype: "q2" });
  // @ts-expect-error: a device of another engine
  await pipeline("text-classification", "org/name", { device: "cuda" });
  // @ts-expect-error: options of another engine
  await pipeline("text-classification", "org/name", { session_options: { graphOptimizationLevel: "all" } });
  // @ts-expect-error: a misspelt option
  await pipeline("text-classification", "org/name", { progres_callback: show });
}

/** Each event with exactly its own fields. */
function show(event: ProgressInfo): void {
  switch (event.status) {
    case "initiate":
    case "download":
    case "done":
      return console.log(event.name, event.file);
    case "progress":
      return console.log(event.file, event.progress.toFixed(), event.loaded / event.total);
    case "progress_total":
      return console.log(
        event.progress.toFixed(),
        Object.entries(event.files).map(([file, { loaded, total }]) => `${file} ${loaded / total}`),
      );
    case "ready":
      return console.log(event.task, event.model);
  }
}

/** Settings as programs change them before the first call. */
export function configure(settings: TransformersEnvironment = env): void {
  settings.allowLocalModels = false;
  settings.remoteHost = "https://hub.example/";
  settings.localModelPath = "/models/";
  settings.useBrowserCache = true;
  settings.cacheDir = "./.cache";
  settings.logLevel = LogLevel.ERROR;
  settings.backends.onnx.wasm.numThreads = 1;
  settings.backends.onnx.wasm.wasmPaths = { mjs: "/ort/a.mjs", wasm: "/ort/a.wasm" };
  settings.backends.onnx.wasm!.proxy = false;
  settings.fetch = (url, init) => fetch(url, init);
  // @ts-expect-error: a misspelt setting
  settings.allowRemoteModel = false;
}
