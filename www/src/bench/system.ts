/** What the page can know about the machine, the browser and the model; none of it is sent anywhere. */

import type { ClassifierInfo } from "tabsense";
import { bytes, counted, quantity, whole } from "../format.ts";

/** What Chromium-based browsers report; others don't have it. */
interface UserAgentData {
  brands: readonly { brand: string; version: string }[];
  platform: string;
  getHighEntropyValues(hints: readonly string[]): Promise<{
    architecture?: string;
    platformVersion?: string;
    fullVersionList?: UserAgentData["brands"];
  }>;
}

type ExtendedNavigator = Navigator & { userAgentData?: UserAgentData; deviceMemory?: number };

/** The machine and the browser, as far as they are known. */
export interface System {
  browser: string;
  platform: string;
  userAgent: string;
  /** Logical processors. */
  processors: number | null;
  /** GB, rounded and capped by the browser. */
  memory: number | null;
  /** Milliseconds: the step of the clock, its finest resolution. */
  clockStep: number;
}

const CLOCK_STEPS = 5;

/** Queries the browser. */
export async function readSystem(): Promise<System> {
  const known: ExtendedNavigator = navigator;
  const { userAgent } = known;
  return {
    ...((await agent(known.userAgentData).catch(() => null)) ?? parsed(userAgent)),
    userAgent,
    processors: known.hardwareConcurrency || null,
    memory: known.deviceMemory ?? null,
    clockStep: clockStep(),
  };
}

async function agent(data: UserAgentData | undefined): Promise<Pick<System, "browser" | "platform"> | null> {
  if (!data) return null;
  const more = await data
    .getHighEntropyValues(["architecture", "platformVersion", "fullVersionList"])
    .catch(() => null);
  // One of them is a made-up brand, to keep pages from guessing. A product's own name says more
  // than that of its engine.
  const brands = (more?.fullVersionList ?? data.brands).filter(({ brand }) => !/not.?a.?brand/i.test(brand));
  const best = brands.find(({ brand }) => brand !== "Chromium") ?? brands[0];
  const platform = [data.platform, more?.platformVersion, more?.architecture].filter(Boolean).join(" ");
  return best ? { browser: `${best.brand} ${best.version}`, platform: platform || "unknown" } : null;
}

/** Browser and platform from the user agent string, for browsers without `userAgentData`. */
function parsed(userAgent: string): Pick<System, "browser" | "platform"> {
  const firefox = /Firefox\/([\d.]+)/.exec(userAgent);
  const chrome = /(?:Headless)?Chrom(?:e|ium)\/([\d.]+)/.exec(userAgent);
  const safari = /Version\/([\d.]+).*Safari/.exec(userAgent);
  const browser = firefox
    ? `Firefox ${firefox[1]}`
    : chrome
      ? `Chromium ${chrome[1]}`
      : safari
        ? `Safari ${safari[1]}`
        : "unknown";
  return { browser, platform: /\(([^)]*)\)/.exec(userAgent)?.[1] ?? "unknown" };
}

/** The smallest observed step of `performance.now()`; browsers make it coarse on purpose. */
function clockStep(): number {
  let smallest = Infinity;
  for (let seen = 0; seen < CLOCK_STEPS; seen += 1) {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    smallest = Math.min(smallest, now - start);
  }
  return Number(smallest.toPrecision(2));
}

/**
 * A copy of the facts about the model and how it runs, because its memory grows while it is measured.
 * `others` are the same model on other devices.
 */
export function readModel(info: ClassifierInfo, others: readonly ClassifierInfo[]): ModelFacts {
  const { build, threads, model, bytes: sizes } = info;
  const all = [info, ...others];
  const dtype = [...new Set(all.map((one) => one.dtype))].join(" and ");
  const adapter = all.map(({ webgpu }) => webgpu).find((webgpu) => "adapter" in webgpu);
  const graphics = adapter && `${adapter.adapter || "unnamed"}${adapter.software ? " (software)" : ""}`;
  return {
    name: model.name,
    architecture: model.architecture,
    layers: model.layers,
    width: model.width,
    parameters: model.parameters,
    build,
    threads,
    dtype,
    weights: sizes.weights,
    memory: sizes.memory,
    graphics: graphics ?? null,
  };
}

/** The facts of the model that go into a report. */
export interface ModelFacts {
  name: string;
  architecture: string;
  layers: number;
  width: number;
  parameters: number;
  build: string;
  /** On the CPU. */
  threads: number;
  dtype: string;
  /** Bytes. */
  weights: number;
  memory: number;
  /** The graphics adapter in use. */
  graphics: string | null;
}

/** System and model as pairs of a name and a value, for the page and the report alike. */
export function facts(system: System, model: ModelFacts | null, date: Date | null): [string, string][] {
  const pairs: [string, string][] = [
    ["browser", system.browser],
    ["platform", system.platform],
    ["logical processors", system.processors === null ? "not reported" : whole(system.processors)],
    ["memory", system.memory === null ? "not reported" : `${system.memory} GB, as reported by the browser`],
    ["clock", `steps of ${system.clockStep} ms`],
  ];
  if (model) {
    pairs.push(
      ["model", model.name],
      ["shape", `${model.architecture}, ${model.layers} layers × ${model.width}`],
      ["parameters", quantity(model.parameters)],
      ["weights", `${model.dtype}, ${bytes(model.weights)}`],
      ["build", `${model.build}, ${counted(model.threads, "thread")}`],
    );
    if (model.graphics) pairs.push(["graphics", model.graphics]);
  }
  if (date)
    pairs.push([
      "date",
      date
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, " UTC"),
    ]);
  return pairs;
}
