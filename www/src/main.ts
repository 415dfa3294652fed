/** The demo page: wires the model in use, the tabs and dropped files. */

import { Embedder, Tagger, type Classifier } from "tabsense";
import { watchActivity } from "./activity.ts";
import type { Benchmark } from "./bench/index.ts";
import { DEFAULT_MODEL } from "./catalogue.ts";
import { Classify } from "./classify.ts";
import { part } from "./dom.ts";
import type { FileTab } from "./file/index.ts";
import { bytes } from "./format.ts";
import { OnDemand } from "./on-demand.ts";
import { ENCODER, TAGGER } from "./own-models.ts";
import { nameOf, Slot, type Request } from "./slot.ts";
import { once, wireTabs } from "./tabs.ts";
import { targetsOf } from "./targets.ts";
import type { TeachTab } from "./teach/index.ts";
import { wireCopy } from "./view/copy.ts";
import { wireFolds } from "./view/folds.ts";
import { wireRequests } from "./view/model.ts";
import { wireFoot } from "./view/offline.ts";
import { Status } from "./view/status.ts";

const TEXTS = /\.(csv|tsv|tab|jsonl|ndjson|json|txt|text|log|md)$/i; // what the File tab reads wherever dropped

const status = new Status();
const foot = wireFoot();
const activity = watchActivity();
const { run } = activity;
const encoder = new OnDemand(ENCODER, Embedder.load);
const tagger = new OnDemand(TAGGER, Tagger.load);
let request: Request = { source: DEFAULT_MODEL, device: "auto", dtype: "auto" };
let benchmark: Benchmark | null = null;
let files: FileTab | null = null;
let teach: TeachTab | null = null;

const slot = new Slot({
  started: (next) => {
    request = next;
    form.show(next);
    status.clearError();
    status.set("loading", `Loading ${nameOf(next)}`);
    classify.wait(0);
  },
  progress: (progress) => classify.wait(status.show(progress)),
  ready: (classifier) => {
    const { loaded } = slot;
    if (!loaded) return;
    status.set("ready", "Ready", summary(classifier));
    classify.adopt(loaded);
    files?.adopt();
    // Storing must not delay the model in use.
    foot.keep({ build: classifier.info.build, model: loaded.request.source === DEFAULT_MODEL });
  },
  failed: (error, next) => {
    const inUse = slot.current ? `${slot.current.info.model.name} stays in use` : "";
    status.set("error", `Could not load ${nameOf(next)}`, inUse);
    status.fail(error, "model");
    showInUse();
    classify.wait(null);
    foot.keep({ build: null, model: false });
  },
  cancelled: () => {
    if (slot.current) status.set("ready", "Ready", summary(slot.current));
    else status.set("idle", "Cancelled");
    showInUse();
    classify.wait(null);
  },
});

const classify = new Classify({
  loaded: () => slot.loaded,
  request: () => request,
  loading: () => slot.loading,
  activity,
  settled: () => {
    // An earlier error no longer applies.
    if (status.about === "text") status.clearError();
    if (!slot.loading && slot.current && status.state === "error")
      status.set("ready", "Ready", summary(slot.current));
  },
  failed: (error, classifier) => {
    if (!slot.loading) status.set("error", "The text could not be classified", summary(classifier), true);
    status.fail(error, "text");
  },
  compared: () => benchmark?.adopt(),
});

const form = wireRequests(
  () => (slot.loading ? request : (slot.loaded?.request ?? request)),
  (next) => void slot.load(next),
  takeTexts,
);

/** The form shows the request of the model in use, not of one that failed or was cancelled. */
function showInUse(): void {
  if (slot.loaded) form.show(slot.loaded.request);
}

function summary(classifier: Classifier): string {
  const { model, dtype, bytes: sizes } = classifier.info;
  return `${model.name}, ${dtype}, ${bytes(sizes.weights)}`;
}

/** Passes dropped files that aren't a model's to the Teach or the File tab; false if neither accepts them. */
function takeTexts(dropped: readonly File[]): boolean {
  if (dropped.length === 0) return false;
  if (part("panel-teach", HTMLElement).checkVisibility()) {
    void open.teach().then(() => teach?.open(dropped));
    return true;
  }
  if (!dropped.every(({ name }) => TEXTS.test(name)) && !part("panel-file", HTMLElement).checkVisibility())
    return false;
  location.hash = "#file";
  void open.file().then(() => files?.open(dropped));
  return true;
}

const open = {
  teach: once(part("teach-wait", HTMLElement), async () => {
    const tab = await import("./teach/index.ts");
    teach = tab.openTeachTab({ encoder, run, taught: () => files?.adopt() });
  }),
  redact: once(part("redact-wait", HTMLElement), async () => {
    const tab = await import("./redact/index.ts");
    tab.openRedactTab({ tagger, run });
  }),
  "zero-shot": once(part("zero-wait", HTMLElement), async () => {
    const tab = await import("./zero-shot/index.ts");
    tab.openZeroShotTab({ encoder, run });
  }),
  file: once(part("file-wait", HTMLElement), async () => {
    const tab = await import("./file/index.ts");
    files = tab.openFileTab({ loaded: () => slot.loaded, taught: () => teach?.taught() ?? null, run });
  }),
  benchmark: once(part("bench-wait", HTMLElement), async () => {
    const tab = await import("./bench/index.ts");
    const targets = () => targetsOf(classify.comparison.sides, slot.current);
    benchmark = await tab.openBenchmark({ targets, activity });
  }),
};

status.cancel.addEventListener("click", () => slot.cancel());
status.restart.addEventListener("click", () => void slot.load(request));
wireTabs((name) => {
  if (name in open) void open[name as keyof typeof open]();
});
wireFolds();
const install = part("install-text", HTMLElement);
wireCopy(part("install-copy", HTMLButtonElement), () => install.textContent ?? "", install);

void slot.load(request);
classify.now();
