/**
 * Where the time of the last call went on the graphics card, kernel by kernel, with
 * the time spent outside it.
 */

import type { ClassifierInfo, Detailed } from "tabsense";
import { find, make, part } from "../dom.ts";
import { counted, milliseconds, percent } from "../format.ts";

const KERNELS = ["linear", "attention", "layer_norm"]; // they have their own patterns, and rows before the first call
const OUTSIDE = "outside"; // of the kernels: the embeddings on the CPU, uploads, the wait for the answer

/** A part of the bar with its row in the legend. */
interface Entry {
  part: HTMLElement;
  row: HTMLElement;
  share: HTMLElement;
  ms: HTMLElement;
}

/** Shows `timings.kernels` in the section `profile`. */
export class Profile {
  readonly #section = part("profile", HTMLElement);
  readonly #note = part("profile-note", HTMLElement);
  readonly #bar = find(".parts", HTMLElement, this.#section);
  readonly #legend = part("kernels", HTMLElement);
  #entries = new Map<string, Entry>();

  /** Prepares for a model: the section is visible if a graphics card computes. */
  adopt({ webgpu }: ClassifierInfo): void {
    const clock = "adapter" in webgpu && webgpu.timestamps;
    this.#section.hidden = "reason" in webgpu;
    this.#entries.clear();
    this.#bar.replaceChildren();
    this.#legend.replaceChildren();
    this.#bar.hidden = !clock;
    this.#note.textContent = clock ? "" : "not known: this GPU has no timestamp queries";
    if (clock) for (const name of [...KERNELS, OUTSIDE]) this.#entry(name);
  }

  /** Shows one call. A call on the CPU has no kernels: the rows keep their places, without values. */
  show({ device, timings: { kernels, forward } }: Detailed): void {
    if (this.#entries.size === 0) return;
    this.#note.textContent = kernels
      ? `of ${milliseconds(forward)} forward`
      : device === "cpu"
        ? "this call ran on the CPU"
        : "not known of this call";
    const inside = kernels?.reduce((sum, { ms }) => sum + ms, 0) ?? 0;
    const times = new Map(kernels?.map(({ name, ms }) => [name, ms]));
    if (kernels) times.set(OUTSIDE, Math.max(0, forward - inside));
    for (const name of times.keys()) this.#entry(name);
    const all = Math.max(forward, inside) || 1;
    for (const [name, entry] of this.#entries) {
      const ms = times.get(name) ?? 0;
      entry.part.style.flexGrow = String(ms / all);
      entry.row.dataset.ms = String(ms);
      entry.share.textContent = kernels ? percent(ms / all) : "";
      entry.ms.textContent = kernels ? milliseconds(ms) : "–";
      const dispatches = kernels?.find((kernel) => kernel.name === name)?.dispatches;
      entry.row.title = dispatches === undefined ? "" : counted(dispatches, "dispatch", "dispatches");
    }
  }

  /** The part and the row of a kernel, made if they are missing; the time outside all kernels stays last. */
  #entry(name: string): Entry {
    const known = this.#entries.get(name);
    if (known) return known;
    const pattern = KERNELS.includes(name) || name === OUTSIDE ? name : "kernel";
    const [row, term, value] = [make("div"), make("dt"), make("dd")];
    const entry = { part: make("i", pattern), row, share: make("span"), ms: make("b", "", "–") };
    entry.part.dataset.kernel = name;
    row.dataset.kernel = name;
    term.append(
      make("i", `swatch ${pattern}`),
      name === OUTSIDE ? "outside the kernels" : name.replaceAll("_", " "),
    );
    value.append(entry.share, entry.ms);
    row.append(term, value);
    const last = this.#entries.get(OUTSIDE);
    this.#bar.insertBefore(entry.part, last?.part ?? null);
    this.#legend.insertBefore(row, last?.row ?? null);
    this.#entries.set(name, entry);
    return entry;
  }
}
