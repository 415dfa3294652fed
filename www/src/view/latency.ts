/** The time of this call with its parts, and the session's percentiles. */

import type { Detailed } from "tabsense";
import { find, part } from "../dom.ts";
import { milliseconds, whole } from "../format.ts";
import type { Session } from "../statistics.ts";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 60; // calls in the strip; the unit of its viewBox
const HEIGHT = 20;
const OVERSHOOT = 1.2; // of the strip's height: a bar's maximum
const PARTS = ["tokenize", "forward", "rest"] as const;

/** Shows timings in the section `latency`. */
export class Latency {
  readonly #total = part("latency", HTMLElement);
  readonly #brief = part("latency-brief", HTMLElement);
  readonly #strip = find(".strip", SVGSVGElement);
  readonly #bar = find(".parts", HTMLElement);

  /** Shows one call, and the session that it is part of. */
  show({ tokenize, forward, total }: Detailed["timings"], session: Session): void {
    const ms = { tokenize, forward, rest: Math.max(0, total - tokenize - forward) };
    this.#brief.textContent = this.#total.textContent = milliseconds(total);
    this.#total.dataset.ms = String(total);
    for (const name of PARTS) {
      part(`latency-${name}`, HTMLElement).textContent = milliseconds(ms[name]);
      find(`.${name}`, HTMLElement, this.#bar).style.flexGrow = String(ms[name] / (total || 1));
    }
    const { count, p50, p95 } = session.summary();
    part("latency-p50", HTMLElement).textContent = milliseconds(p50);
    part("latency-p95", HTMLElement).textContent = milliseconds(p95);
    part("latency-count", HTMLElement).textContent = whole(count);
    this.#draw(session.last(WIDTH), p50, p95);
  }

  /** Shows nothing: a new model starts a new session. */
  clear(): void {
    this.#brief.textContent = "";
    this.#total.textContent = "–";
    delete this.#total.dataset.ms;
    for (const name of [...PARTS, "p50", "p95"]) part(`latency-${name}`, HTMLElement).textContent = "–";
    for (const name of PARTS) find(`.${name}`, HTMLElement, this.#bar).style.flexGrow = "0";
    part("latency-count", HTMLElement).textContent = "0";
    this.#strip.replaceChildren();
  }

  /**
   * One bar per call, the newest on the right; lines at p50 and p95. A rare slow call sticks out above, so
   * that the rest stay legible.
   */
  #draw(values: readonly number[], p50: number, p95: number): void {
    const top = Math.min(Math.max(...values), Math.max(p95, 2 * p50)) * 1.05;
    const first = WIDTH - values.length;
    const bars = values.map((value, index) => {
      const height = Math.min(value / top, OVERSHOOT) * HEIGHT;
      return shape("rect", { x: first + index + 0.15, y: HEIGHT - height, width: 0.7, height });
    });
    bars.at(-1)?.classList.add("now");
    const lines = [p50, p95].map((value, index) => {
      const y = HEIGHT - (value / top) * HEIGHT;
      const line = shape("line", { x1: 0, x2: WIDTH, y1: y, y2: y });
      line.classList.add(index === 0 ? "p50" : "p95");
      return line;
    });
    this.#strip.replaceChildren(...bars, ...lines);
  }
}

function shape(name: "rect" | "line", attributes: Record<string, number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value.toFixed(2));
  return element;
}
