/** The line of a tab that describes the model it needs: how large it is, how far its download is, where it runs. */

import type { ModelInfo } from "tabsense";
import { find, make } from "../dom.ts";
import { bytes, counted, DEVICE_NAMES } from "../format.ts";
import type { LoadState, OnDemand } from "../on-demand.ts";
import { STAGES } from "./status.ts";

/** Fills `box`, whose `data-testid` is the prefix of the parts', and follows the model. */
export function wireGate<Model extends { readonly info: ModelInfo; dispose(): Promise<void> }>(
  box: HTMLElement,
  source: OnDemand<Model>,
): void {
  const id = box.dataset.testid ?? "";
  const { name, description, bytes: size } = source.own;
  const words = make("p", "gate-words");
  words.dataset.testid = `${id}-words`;
  words.setAttribute("role", "status");
  const load = button("solid", "Load", `${id}-load`);
  load.setAttribute("aria-label", `Load ${name}, ${bytes(size)}`);
  const cancel = button("quiet", "Cancel", `${id}-cancel`);
  const bar = make("div", "progress");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", `Download of ${name}`);
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  bar.append(make("i"));
  box.append(words, load, cancel, bar);

  let lastText = "";
  const setWords = (...parts: string[]): void => {
    const text = parts.join(" ");
    if (text === lastText) return; // the same text must not be read out again
    lastText = text;
    const [strong = "", ...rest] = parts;
    words.replaceChildren(make("b", "", strong), ` ${rest.join(" ")}`);
  };

  const show = (now: LoadState<Model>): void => {
    const focused = box.contains(document.activeElement);
    box.dataset.state = now.state;
    load.hidden = now.state === "ready" || now.state === "loading";
    load.textContent = now.state === "failed" ? "Try again" : `Load ${bytes(size)}`;
    cancel.hidden = now.state !== "loading";
    const share = now.state === "loading" ? (now.progress?.overall ?? 0) : 0;
    bar.classList.toggle("active", now.state === "loading");
    bar.setAttribute("aria-hidden", String(now.state !== "loading"));
    bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
    find("i", HTMLElement, bar).style.setProperty("--share", String(share));
    if (now.state === "absent")
      setWords(`${name} is needed:`, `${description}, ${bytes(size)}, downloaded once.`);
    if (now.state === "loading") setWords(`Loading ${name}:`, amount(now));
    if (now.state === "failed")
      setWords(
        `${name} could not be loaded.`,
        now.error instanceof Error ? now.error.message : String(now.error),
      );
    if (now.state === "ready") setWords(name, facts(now.model.info));
    // A focused button that disappears passes the focus on.
    if (focused) [load, cancel].find((one) => !one.hidden)?.focus();
  };
  load.addEventListener("click", () => void source.start());
  cancel.addEventListener("click", () => source.cancel());
  source.follow(show);
}

function amount({ progress }: Extract<LoadState<unknown>, { state: "loading" }>): string {
  if (!progress || progress.stage === "ready") return "starting";
  const { stage, total } = progress;
  return `${STAGES[stage]} ${bytes(progress.bytes)}${total === null ? "" : ` of ${bytes(total)}`}`;
}

function facts({ model, dtype, bytes: sizes, device, threads }: ModelInfo): string {
  const where = device === "cpu" ? `CPU, ${counted(threads, "thread")}` : DEVICE_NAMES[device];
  const place = device === "auto" ? "CPU or WebGPU, whichever is faster" : where;
  return `${model.architecture}, ${dtype}, ${bytes(sizes.weights)}; runs on ${place}`;
}

function button(className: string, text: string, id: string): HTMLButtonElement {
  const element = make("button", className, text);
  element.type = "button";
  element.dataset.testid = id;
  return element;
}
