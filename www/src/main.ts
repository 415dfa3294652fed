/** The demo page: wires the text box, the model in use and the views. */

import { Embedder, Tagger, type Classifier, type Detailed, type Latest, type Text } from "tabsense";
import { watchActivity } from "./activity.ts";
import type { Benchmark } from "./bench/index.ts";
import type { Target } from "./bench/measure.ts";
import { OWN } from "./catalogue.ts";
import { textCode } from "./code.ts";
import { Comparison, type Answer } from "./comparison.ts";
import { find, part } from "./dom.ts";
import { EXAMPLES } from "./examples.ts";
import type { FileTab } from "./file/index.ts";
import { BACKENDS, bytes, DEVICE_NAMES, whole } from "./format.ts";
import { OnDemand } from "./on-demand.ts";
import { ENCODER, TAGGER } from "./own-models.ts";
import { pairsOf } from "./pairs.ts";
import { nameOf, Slot, type Request } from "./slot.ts";
import { Session } from "./statistics.ts";
import { wireTabs } from "./tabs.ts";
import type { TeachTab } from "./teach/index.ts";
import { firstOf, isBlank, secondOf, textOf } from "./texts.ts";
import { Bars } from "./view/bars.ts";
import { Chips, counts } from "./view/chips.ts";
import { wireCode } from "./view/code.ts";
import { wireExamples } from "./view/examples.ts";
import { Latency } from "./view/latency.ts";
import { showModel, wireRequests } from "./view/model.ts";
import { wireFoot } from "./view/offline.ts";
import { Profile } from "./view/profile.ts";
import { SecondText } from "./view/second.ts";
import { Status } from "./view/status.ts";

const input = part("input", HTMLTextAreaElement);
const layers = find(".layers", HTMLElement);
const count = part("counts", HTMLElement);
const truncated = part("truncated", HTMLElement);
const second = new SecondText(() => classifyNow());
const examples = wireExamples(({ text, pair }) => write(text, pair));
const bars = new Bars();
const chips = new Chips();
const latency = new Latency();
const profile = new Profile();
const status = new Status();
const session = new Session();
const code = wireCode("code");
const foot = wireFoot();
const activity = watchActivity();

const DENSE = 200; // UTF-16 units; a longer text is set smaller
const TEXTS = /\.(csv|tsv|tab|jsonl|ndjson|json|txt|text|log|md)$/i; // what the File tab takes wherever it is dropped

let request: Request = { source: OWN, device: "auto", dtype: "auto" };
const form = wireRequests(
  () => (slot.loading ? request : (slot.loaded?.request ?? request)),
  (next) => void slot.load(next),
  (dropped) => {
    if (dropped.length === 0) return false;
    if (part("panel-teach", HTMLElement).checkVisibility()) {
      void openTeach().then(() => teach?.open(dropped));
      return true;
    }
    if (!dropped.every(({ name }) => TEXTS.test(name)) && !part("panel-file", HTMLElement).checkVisibility())
      return false;
    location.hash = "#file";
    void openFiles().then(() => files?.open(dropped));
    return true;
  },
);

const slot = new Slot({
  started: (next) => {
    request = next;
    form.show(next);
    status.clearError();
    status.set("loading", `Loading ${nameOf(next)}`);
    if (!slot.current) bars.idle(hint());
  },
  progress: (progress) => {
    const share = status.show(progress);
    if (!slot.current) bars.idle(hint(), share);
  },
  ready: (classifier) => {
    adopt(classifier);
    classifyNow();
  },
  failed: (error, next) => {
    status.set(
      "error",
      `Could not load ${nameOf(next)}`,
      slot.current ? `${slot.current.info.model.name} stays in use` : "",
    );
    status.fail(error, "model");
    showInUse();
    if (!slot.current) bars.idle(hint());
    foot.keep({ build: null, model: false });
  },
  cancelled: () => {
    const { current } = slot;
    if (current) status.set("ready", "Ready", summary(current));
    else status.set("idle", "Cancelled");
    showInUse();
    if (!current) bars.idle(hint());
  },
});

/** The switch says where the model in use computes, not where one would have that did not come. */
function showInUse(): void {
  if (slot.loaded) form.show(slot.loaded.request);
}

let last: Answer | null = null; // of the model in use

let latest: Latest | null = null; // of the model in use

/** Asks the model in use about a text or a pair; newer ones take its place. */
async function ask(text: Text, classifier: Classifier, latest: Latest): Promise<void> {
  try {
    const result = await activity.run(() => latest(text, { topK: null, details: true }));
    if (result && classifier === slot.current) show(text, result);
  } catch (error) {
    // A model that has just been replaced is disposed of, and the new one is asked.
    if (classifier !== slot.current) return;
    showNothing();
    bars.idle("No verdict on this text");
    if (!slot.loading) status.set("error", "The text could not be classified", summary(classifier), true);
    status.fail(error, "text");
  }
}

const comparison = new Comparison({
  loaded: () => slot.loaded,
  text: written,
  last: () => last,
  run: activity.run,
  changed: () => benchmark?.adopt(),
});

/** What stands in the boxes. */
function written(): Text {
  return textOf(input.value, second.text);
}

function summary(classifier: Classifier): string {
  const { model, dtype, bytes: sizes } = classifier.info;
  return `${model.name}, ${dtype}, ${bytes(sizes.weights)}`;
}

/** Takes a new model into use: its labels, its facts, a session of its own. */
function adopt(classifier: Classifier): void {
  latest = classifier.latest();
  session.clear();
  latency.clear();
  chips.clear();
  last = null;
  bars.labels(classifier.info.model.labels);
  void offerSecond();
  showModel(classifier.info, null);
  profile.adopt(classifier.info);
  status.set("ready", "Ready", summary(classifier));
  comparison.adopt();
  files?.adopt();
  // What is stored must not hold up what is in use.
  foot.keep({ build: classifier.info.build, model: slot.loaded?.request.source === OWN });
}

/** Offers a second text where the model in use takes pairs. */
async function offerSecond(): Promise<void> {
  second.offer("no");
  const { loaded } = slot;
  const pairs = loaded && (await pairsOf(loaded).catch(() => null)); // what fails tells when it is asked
  if (!pairs || slot.loaded !== loaded) return;
  second.offer(pairs);
  if (second.open) classifyNow();
}

/** Shows the answer to what stands in the boxes. */
function show(text: Text, result: Detailed): void {
  if (result.scores.length === 0) {
    showNothing();
    return settle();
  }
  session.add(result.timings.total);
  latency.show(result.timings, session);
  profile.show(result);
  if (slot.current) showModel(slot.current.info, result.device); // its memory may have grown, its card be lost
  last = { text, result };
  comparison.answered(last);
  bars.show(result.scores);
  chips.show(firstOf(text), result.tokens);
  truncated.hidden = !result.truncated;
  if (result.truncated) {
    truncated.textContent =
      typeof text === "string"
        ? `The text is longer than the model reads: the verdict is about its first ${whole(result.tokens.length)} tokens.`
        : `The texts are longer than the model reads: the verdict is about ${whole(result.tokens.length)} of their tokens.`;
  }
  count.textContent = counts(firstOf(text) + secondOf(text), result.tokens.length);
  if (slot.loaded) code.show(textCode(slot.loaded.request, text));
  settle();
}

/** What went wrong before no longer holds: the model in use answers, or has nothing to answer. */
function settle(): void {
  if (status.about === "text") status.clearError();
  if (!slot.loading && slot.current && status.state === "error")
    status.set("ready", "Ready", summary(slot.current));
}

/** What stands in the verdict's place while there is none. */
function hint(): string {
  if (slot.current) return "Waiting for a text";
  return slot.loading ? "You can write now; the answer comes with the model" : "No model yet";
}

function showNothing(): void {
  chips.clear();
  truncated.hidden = true;
  bars.idle(hint());
}

/** Classifies what stands in the boxes; the newest wins. */
function classifyNow(): void {
  const given = written();
  chips.follow();
  count.textContent = counts(firstOf(given) + secondOf(given), null);
  layers.classList.toggle("dense", input.value.length > DENSE);
  examples.follow(second.open, input.value, second.text);
  comparison.follow();
  const classifier = slot.current;
  if (!classifier || isBlank(given)) {
    showNothing();
    settle();
  } else {
    bars.pending();
  }
  // An empty text, too: it takes the place of the one before.
  if (classifier && latest) void ask(given, classifier, latest);
}

/** Puts texts into the boxes. */
function write(text: string, pair?: string): void {
  input.value = text;
  if (pair !== undefined) second.text = pair;
  classifyNow();
}

let benchmark: Benchmark | null = null;
let files: FileTab | null = null;
let teach: TeachTab | null = null;
const encoder = new OnDemand(ENCODER, Embedder.load);
const tagger = new OnDemand(TAGGER, Tagger.load);
const { run } = activity;

/** What the benchmark measures: both backends while they are compared, or else the model in use. */
function targets(): Target[] {
  const { sides } = comparison;
  if (!sides)
    return slot.current
      ? [
          {
            device: DEVICE_NAMES[slot.current.info.device],
            backend: slot.current.info.device,
            classifier: slot.current,
          },
        ]
      : [];
  const alike = sides.cpu.info.dtype === sides.webgpu.info.dtype;
  return BACKENDS.map((backend) => {
    const classifier = sides[backend];
    return {
      device: `${DEVICE_NAMES[backend]}${alike ? "" : ` ${classifier.info.dtype}`}`,
      backend,
      classifier,
    };
  });
}

/**
 * A function that fetches a tab's code when the tab is first opened: who doesn't open it doesn't pay for it.
 * Where that fails, `wait` says so; the styles of a failed import are not asked for a second time, so only a
 * reload helps.
 */
function once(wait: HTMLElement, fetched: () => Promise<void>): () => Promise<void> {
  let opening: Promise<void> | null = null;
  return () =>
    (opening ??= fetched().then(
      () => void (wait.hidden = true),
      (error: unknown) =>
        void (wait.textContent = `This tab could not be fetched (${String(error)}). With the network back, reload the page.`),
    ));
}

const openBenchmark = once(part("bench-wait", HTMLElement), async () => {
  const tab = await import("./bench/index.ts");
  benchmark = await tab.openBenchmark({ targets, activity });
});

const openFiles = once(part("file-wait", HTMLElement), async () => {
  const tab = await import("./file/index.ts");
  files = tab.openFileTab({ loaded: () => slot.loaded, taught: () => teach?.taught() ?? null, run });
});

const openTeach = once(part("teach-wait", HTMLElement), async () => {
  const tab = await import("./teach/index.ts");
  teach = tab.openTeachTab({ encoder, run, taught: () => files?.adopt() });
});

const openRedact = once(part("redact-wait", HTMLElement), async () => {
  const tab = await import("./redact/index.ts");
  tab.openRedactTab({ tagger, run });
});

const openZeroShot = once(part("zero-wait", HTMLElement), async () => {
  const tab = await import("./zero-shot/index.ts");
  tab.openZeroShotTab({ encoder, run });
});

const OPEN: Readonly<Record<string, () => Promise<void>>> = {
  teach: openTeach,
  redact: openRedact,
  "zero-shot": openZeroShot,
  file: openFiles,
  benchmark: openBenchmark,
};

input.addEventListener("input", classifyNow);
part("clear", HTMLButtonElement).addEventListener("click", () => {
  write("");
  input.focus();
});
status.cancel.addEventListener("click", () => slot.cancel());
status.restart.addEventListener("click", () => void slot.load(request));
wireTabs((name) => {
  void OPEN[name]?.();
});

if (input.value === "") input.value = EXAMPLES[0]?.text ?? ""; // a reload may have brought the last text back
void slot.load(request);
classifyNow();
