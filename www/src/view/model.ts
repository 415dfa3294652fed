/** The facts of the model in use, and the ways to ask for another one. */

import type { ClassifierInfo } from "tabsense";
import { find, part } from "../dom.ts";
import { bytes, quantity, whole } from "../format.ts";
import type { Request } from "../slot.ts";

const EMBEDDED = "sentiment-en";

/** Shows what `classifier.info` tells. */
export function showModel({ device, dtype, build, model, bytes: sizes }: ClassifierInfo): void {
  const facts: Record<string, string> = {
    "model-name": model.name,
    backend: `${device.toUpperCase()}, ${build} build`,
    "fact-architecture": model.architecture,
    "fact-shape": `${model.layers} layers × ${model.width}, ${counted(model.labels.length)}`,
    "fact-parameters": quantity(model.parameters),
    "fact-weights": `${dtype}, ${bytes(sizes.weights)}`,
    "fact-memory": bytes(sizes.memory),
  };
  for (const [id, text] of Object.entries(facts)) part(id, HTMLElement).textContent = text;
  part("backend", HTMLElement).dataset.dtype = dtype;
  part("model-remark", HTMLElement).hidden = model.name !== EMBEDDED;
}

function counted(labels: number): string {
  return `${whole(labels)} ${labels === 1 ? "label" : "labels"}`;
}

/** Wires the form, the file chooser and drag and drop to `load`. */
export function onRequest(load: (request: Request) => void): void {
  const form = part("model-form", HTMLFormElement);
  const source = part("model-source", HTMLInputElement);
  const files = part("files", HTMLInputElement);

  const dtype = (): Request["dtype"] => {
    const { value } = find('input[name="dtype"]:checked', HTMLInputElement, form);
    return value === "fp32" || value === "int8" ? value : "auto";
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    load({ source: source.value.trim() || EMBEDDED, dtype: dtype() });
  });
  files.addEventListener("change", () => {
    if (files.files?.length) load({ source: [...files.files], dtype: dtype() });
    files.value = ""; // so that the same files can be chosen again
  });
  onDrop((dropped) => load({ source: dropped, dtype: dtype() }));
}

/** Calls `take` with the files dropped anywhere on the page; a folder stands for the files in it. */
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

async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const found: File[] = [];
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found; // the reader hands out a hundred or so at a time
    for (const entry of entries) {
      if (isFile(entry)) {
        found.push(await new Promise<File>((resolve, reject) => entry.file(resolve, reject)));
      }
    }
  }
}

// Browsers name these two classes differently, or not at all: `instanceof` would not do.
function isFolder(entry: FileSystemEntry | null): entry is FileSystemDirectoryEntry {
  return entry?.isDirectory ?? false;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
