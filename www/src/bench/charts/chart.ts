/** A canvas chart that fits its container: redrawn for new data, another width and another colour scheme. */

import uPlot from "uplot";
import { find } from "../../dom.ts";
import { whole } from "../../format.ts";
import { onSchemeChange, readTheme, type Theme } from "./theme.ts";

const MANY_DECADES = 3; // above this, only powers of ten are marked

/** What to draw: uPlot's options without the size, the data, and a description of the chart. */
export interface Drawing {
  options: Omit<uPlot.Options, "width" | "height">;
  data: uPlot.AlignedData;
  /** What the chart shows, in a sentence, for those who can't see it. */
  words: string;
  /** The text below the chart while the pointer is elsewhere. */
  remark?: string;
  /** The text for the point under the pointer. */
  at?(index: number): string;
}

/** Makes the drawing for a width; null while there is nothing to draw. */
export type Draw = (theme: Theme, width: number) => Drawing | null;

/** A chart in a figure of the page: `.plot` contains it, `.note` describes the point under the pointer. */
export class Chart {
  readonly #place: HTMLElement;
  readonly #note: HTMLElement;
  #plot: uPlot | null = null;

  constructor(
    figure: HTMLElement,
    private readonly draw: Draw,
  ) {
    this.#place = find(".plot", HTMLElement, figure);
    this.#note = find(".note", HTMLElement, figure);
    new ResizeObserver(() => this.refresh()).observe(this.#place);
    onSchemeChange(() => this.refresh());
  }

  /** Draws the current data; a hidden chart is drawn when it is shown. */
  refresh(): void {
    const { clientWidth: width, clientHeight: height } = this.#place;
    if (width === 0 || height === 0) return;
    const drawing = this.draw(readTheme(), width);
    this.#plot?.destroy();
    this.#plot = null;
    this.#note.textContent = drawing?.remark ?? "";
    this.#place.classList.toggle("empty", drawing === null);
    if (!drawing) {
      this.#place.removeAttribute("role");
      this.#place.removeAttribute("aria-label");
      return;
    }
    this.#place.setAttribute("role", "img");
    this.#place.setAttribute("aria-label", drawing.words);
    const { options, data, at, remark = "" } = drawing;
    this.#plot = new uPlot(
      {
        ...options,
        width,
        height,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false, y: false } },
        hooks: {
          ...options.hooks,
          setCursor: [
            ({ cursor: { idx } }) =>
              (this.#note.textContent = typeof idx === "number" && at ? at(idx) : remark),
          ],
        },
      },
      data,
      this.#place,
    );
  }
}

/** An axis in the page's style: small figures, hairlines or none, no box around. */
export function axis(theme: Theme, own: uPlot.Axis, grid: boolean): uPlot.Axis {
  return {
    font: theme.font,
    stroke: theme.soft,
    labelFont: theme.font,
    labelSize: 18,
    labelGap: 0,
    gap: 4,
    grid: grid ? { stroke: theme.hair, width: 1 } : { show: false },
    ticks: { show: false },
    ...own,
  };
}

/**
 * 1, 2 and 5 times the powers of ten between two decimal logarithms, or only the powers if there
 * are many; as logarithms.
 */
export function logMarks(low: number, high: number): number[] {
  const factors = high - low > MANY_DECADES ? [1] : [1, 2, 5];
  const found: number[] = [];
  for (let power = Math.floor(low); power <= high; power += 1) {
    for (const factor of factors) {
      const at = power + Math.log10(factor);
      if (at >= low && at <= high) found.push(at);
    }
  }
  return found;
}

/** The text of a mark. */
export function logMark(at: number): string {
  const ms = 10 ** at;
  return ms >= 1 ? whole(Math.round(ms)) : String(Number(ms.toPrecision(1)));
}

/** A line along the baseline of a chart, for uPlot's hook `drawAxes`. */
export function baseline(theme: Theme): (plot: uPlot) => void {
  return ({ ctx, bbox }) => {
    ctx.save();
    ctx.strokeStyle = theme.line;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(bbox.left, bbox.top + bbox.height);
    ctx.lineTo(bbox.left + bbox.width, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  };
}

/** Writes on the canvas, where `x` and `y` are canvas pixels. */
export function write(
  context: CanvasRenderingContext2D,
  theme: Theme,
  text: string,
  x: number,
  y: number,
  align: CanvasTextAlign,
  colour = theme.ink,
): void {
  context.save();
  context.font = theme.font.replace(/[\d.]+px/, (size) => `${Number.parseFloat(size) * devicePixelRatio}px`);
  context.fillStyle = colour;
  context.textAlign = align;
  context.textBaseline = "alphabetic";
  context.fillText(text, x, y);
  context.restore();
}
