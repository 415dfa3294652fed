/** Numbers as the page writes them. */

/** Milliseconds as finely as a browser's clock tells them, which is in tenths: "< 0.1 ms", "12.4 ms", "145 ms". */
export function milliseconds(ms: number): string {
  if (ms < 0.05) return "< 0.1 ms";
  return `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}

/** A share as a percentage that never claims certainty: "97.6 %", "> 99.9 %", "< 0.1 %". */
export function percent(share: number): string {
  if (share > 0.9995) return "> 99.9 %";
  if (share < 0.0005) return "< 0.1 %";
  return `${(share * 100).toFixed(1)} %`;
}

/** Bytes in decimal megabytes, or kilobytes where there are few: "23.1 MB", "412 kB". */
export function bytes(count: number): string {
  return count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** A count in thousands and millions: "22.7 M", "41.2 k", "812". */
export function quantity(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(1)} k`;
  return whole(count);
}

/** A whole number with thin spaces between thousands. */
export function whole(count: number): string {
  return count.toLocaleString("en-GB").replaceAll(",", "\u2009");
}

/** "1 token", "14 tokens". */
export function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;
}
