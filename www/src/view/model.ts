/**
 * The facts of the model in use and of the graphics adapter, and the controls that load another model or device.
 */

import type { ClassifierInfo, Detailed } from "tabsense";
import { DEFAULT_MODEL } from "../catalogue.ts";
import { find, part } from "../dom.ts";
import { bytes, counted, DEVICE_NAMES, milliseconds, quantity } from "../format.ts";
import type { Request } from "../slot.ts";
import { valence } from "./bars.ts";
import { wireCatalogue } from "./catalogue.ts";

/** Shows `classifier.info`; `ran` is where the last call ran, null before the first. */
export function showModel(info: ClassifierInfo, ran: Detailed["device"] | null): void {
  const { device, dtype, build, threads, webgpu, model, bytes: sizes } = info;
  const place = ran ?? (device === "auto" ? null : device);
  const onGpu = "adapter" in webgpu ? `, ${bytes(webgpu.bytes)} on the GPU` : "";
  const facts: Record<string, string> = {
    "model-name": model.name,
    "model-brief": `, ${dtype}, ${bytes(sizes.weights)}`,
    backend: `${place ? DEVICE_NAMES[place] : "CPU or WebGPU"}, ${build} build${place === "webgpu" ? "" : `, ${counted(threads, "thread")}`}`,
    "fact-architecture": model.architecture,
    "fact-shape": `${model.layers} layers × ${model.width}, ${counted(model.labels.length, "label")}`,
    "fact-parameters": quantity(model.parameters),
    "fact-weights": `${dtype}, ${bytes(sizes.weights)}`,
    "fact-memory": `${bytes(sizes.memory)}${onGpu}`,
  };
  for (const [id, text] of Object.entries(facts)) part(id, HTMLElement).textContent = text;
  const backend = part("backend", HTMLElement);
  backend.dataset.dtype = dtype;
  backend.dataset.device = place ?? device;
  showGraphics(info);
  part("model-remark", HTMLElement).hidden =
    model.labels.map(valence).toSorted().join() !== "negative,positive";
}

/**
 * Shows the adapter's name, or why none is in use; for `"auto"`, when it answers, and the
 * measurements behind that.
 */
function showGraphics({ device, webgpu }: ClassifierInfo): void {
  const adapter = "adapter" in webgpu ? webgpu : null;
  part("adapter", HTMLElement).textContent = adapter ? adapter.adapter || "unnamed" : "not in use";
  part("software", HTMLElement).hidden = !adapter?.software;
  remark("webgpu-reason", "reason" in webgpu ? webgpu.reason : "");
  const shared = device === "auto" ? adapter : null;
  const from = part("from-tokens", HTMLElement);
  find("div:has(> [data-testid='from-tokens'])", HTMLElement).hidden = !shared;
  from.textContent = shared ? answersFrom(shared.fromTokens) : "";
  const measured =
    shared?.calibration.map(
      ({ tokens, cpu, webgpu: gpu }) =>
        `${counted(tokens, "token")}: CPU ${milliseconds(cpu)}, GPU ${milliseconds(gpu)}`,
    ) ?? [];
  remark("calibration", measured.length > 0 ? `Measured while loading. ${measured.join("; ")}.` : "");
}

function answersFrom(tokens: number | null): string {
  if (tokens === null) return "never: the CPU is faster";
  return tokens <= 1 ? "always" : `from ${counted(tokens, "token")}`;
}

function remark(id: string, text: string): void {
  const element = part(id, HTMLElement);
  element.textContent = text;
  element.hidden = text === "";
}

/** The form, as the page uses it. */
export interface RequestForm {
  /** Shows the device that a request names, and which of the listed models it is. */
  show(request: Request): void;
}

/**
 * Wires the list, the form, the file chooser and drag and drop to `load`; choosing another device reloads the
 * source that `wanted` returns. `texts` may accept dropped files that aren't a model's.
 */
export function wireRequests(
  wanted: () => Request,
  load: (request: Request) => void,
  texts: (files: readonly File[]) => boolean,
): RequestForm {
  const form = part("model-form", HTMLFormElement);
  const source = part("model-source", HTMLInputElement);
  const files = part("files", HTMLInputElement);

  const half = part("dtype-fp16", HTMLInputElement);
  const chosen = (name: string): string =>
    find(`input[name="${name}"]:checked`, HTMLInputElement, form).value;
  const request = (of: Request["source"]): Request => {
    const [device, dtype] = [chosen("device"), chosen("dtype")];
    return {
      source: of,
      device: device === "webgpu" || device === "cpu" ? device : "auto",
      dtype: dtype === "fp32" || dtype === "fp16" || dtype === "int8" || dtype === "int4" ? dtype : "auto",
    };
  };
  const limitDtypes = (): void => {
    half.disabled = chosen("device") === "cpu";
    if (half.disabled && half.checked) part("dtype-auto", HTMLInputElement).checked = true;
    const label = half.closest("label");
    if (label) label.title = half.disabled ? "Needs WebGPU: the CPU has no half-precision arithmetic" : "";
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    load(request(source.value.trim() || DEFAULT_MODEL));
  });
  files.addEventListener("change", () => {
    if (files.files?.length) load(request([...files.files]));
    files.value = ""; // so that the same files can be chosen again
  });
  onDrop((dropped) => {
    if (dropped.some(isOfModel) || !texts(dropped)) load(request(dropped));
  });
  for (const device of form.querySelectorAll<HTMLInputElement>('input[name="device"]')) {
    device.addEventListener("change", () => {
      limitDtypes();
      load(request(wanted().source));
    });
  }
  const catalogue = wireCatalogue((name) => (source.value = name));
  source.addEventListener("input", () => catalogue.mark(source.value.trim()));
  limitDtypes(); // a reload may have brought the last choice back
  return {
    show: ({ source: asked, device }) => {
      part(`device-${device}`, HTMLInputElement).checked = true;
      catalogue.mark(typeof asked === "string" ? asked : null);
      limitDtypes();
    },
  };
}

function isOfModel({ name }: File): boolean {
  return (
    name === "config.json" || name === "tokenizer.json" || /\.(safetensors|onnx|onnx_data|bin)$/.test(name)
  );
}

/** Calls `take` with the files dropped anywhere on the page; a folder is replaced by the files in it. */
function onDrop(take: (files: readonly File[]) => void): void {
  const veil = part("drop", HTMLElement);
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;

  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!event.dataTransfer || !hasFiles(event)) return;
    event.preventDefault();
    // Entries and files must be taken before the first await: the list is empty afterwards.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry());
    const loose = [...event.dataTransfer.files];
    const folder = entries.find(isFolder);
    if (folder) void filesIn(folder).then(take, () => take(loose));
    else take(loose);
  });
}

/** The files of a folder, and of `onnx/` in it. */
async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const found: File[] = [];
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (entries.length === 0) return found; // the reader returns about a hundred at a time
    for (const entry of entries) {
      if (isFile(entry)) {
        found.push(await new Promise<File>((resolve, reject) => entry.file(resolve, reject)));
      } else if (isFolder(entry) && entry.name === "onnx") {
        found.push(...(await filesIn(entry)));
      }
    }
  }
}

// Browsers name these two classes differently, or not at all: `instanceof` doesn't work.
function isFolder(entry: FileSystemEntry | null): entry is FileSystemDirectoryEntry {
  return entry?.isDirectory ?? false;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
