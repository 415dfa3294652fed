/** Numbers and devices as the page writes them. */

import type { Device } from "tabsense";

/** What the page calls the devices. */
export const DEVICE_NAMES: Readonly<Record<Device, string>> = {
  auto: "AUTO",
  cpu: "CPU",
  webgpu: "WebGPU",
};

/** Milliseconds to the precision of a browser's clock, in tenths: "< 0.1 ms", "12.4 ms", "145 ms". */
export function milliseconds(ms: number): string {
  if (ms < 0.05) return "< 0.1 ms";
  return `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}

/** Where a call can run, in the order in which it is shown. */
export const BACKENDS = ["cpu", "webgpu"] as const;

/** One of the two backends. */
export type Backend = (typeof BACKENDS)[number];

/** The time of a call that may also take long: "12.4 ms", "7.87 s". */
export function duration(ms: number): string {
  return ms < 1000 ? milliseconds(ms) : `${(ms / 1000).toFixed(2)} s`;
}

/** The time of a whole run: "0.8 s", "12 s", "3 min 20 s". */
export function seconds(ms: number): string {
  const all = Math.round(ms / 1000);
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  return all < 60 ? `${all} s` : `${Math.floor(all / 60)} min ${all % 60} s`;
}

/** A score, or the difference of two, to five decimals: "0.97827", "< 0.00001". */
export function decimals(value: number): string {
  return value > 0 && value < 1e-5 ? "< 0.00001" : value.toFixed(5);
}

/** A share as a percentage that never claims certainty: "97.6 %", "> 99.9 %", "< 0.1 %". */
export function percent(share: number): string {
  if (share > 0.9995) return "> 99.9 %";
  if (share < 0.0005) return "< 0.1 %";
  return `${(share * 100).toFixed(1)} %`;
}

/** A part of a count as a percentage: "0 %" and "100 %" only if exact, otherwise as `percent` writes it. */
export function share(count: number, total: number): string {
  return count === 0 ? "0 %" : count === total ? "100 %" : percent(count / total);
}

/** Bytes in decimal kilobytes, megabytes or gigabytes: "412 kB", "23.1 MB", "12.3 GB". */
export function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
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
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${whole(count)} ${count === 1 ? noun : plural}`;
}
