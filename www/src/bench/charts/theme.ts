/**
 * The page's colours and fonts for canvases, read from its CSS variables; they change with the colour scheme.
 */

/** Colours by their purpose, and the font of the figures. */
export interface Theme {
  ink: string;
  soft: string;
  hair: string;
  line: string;
  accent: string;
  paper: string;
  font: string;
}

/** Reads the theme as it is now. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const variable = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: variable("ink"),
    soft: variable("soft"),
    hair: variable("hair"),
    line: variable("line"),
    accent: variable("accent"),
    paper: variable("ground"),
    font: `12px ${variable("sans")}`, // whole pixels: uPlot scales nothing else
  };
}

/** Calls `changed` whenever the colour scheme does. */
export function onSchemeChange(changed: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

/** The page's hatch as a canvas pattern: stripes of `theme.ink` from lower left to upper right. */
export function hatch(context: CanvasRenderingContext2D, theme: Theme): CanvasPattern | string {
  const size = Math.round(6 * devicePixelRatio);
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const brush = tile.getContext("2d");
  if (!brush) return theme.line;
  brush.strokeStyle = theme.ink;
  brush.lineWidth = size / 4.5;
  brush.beginPath();
  for (const shift of [-size, 0, size]) {
    brush.moveTo(shift - 1, size + 1);
    brush.lineTo(shift + size + 1, -1);
  }
  brush.stroke();
  return context.createPattern(tile, "repeat") ?? theme.line;
}

const BAND_ALPHA = "38"; // of a line's colour, in hexadecimal: the grid shows through; i.band in bench.css has the same

/** How devices are distinguished: by both colour and dash, so that colour is never the only difference. */
export function deviceStyle(theme: Theme, index: number): { stroke: string; dash: number[]; band: string } {
  const stroke = index === 0 ? theme.accent : theme.ink;
  return { stroke, dash: index === 0 ? [] : [2 + 4 * index, 4], band: `${stroke}${BAND_ALPHA}` };
}
