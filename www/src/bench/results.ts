/** What a run has measured so far, by device and length. */

import { crossings, describe, type Description, type Point } from "../statistics.ts";
import type { Sample } from "./measure.ts";

/** The stages of a call, in their order. */
export const STAGES = ["tokenize", "forward", "rest"] as const;

/** One row of the table: a device at a length. */
export interface Row {
  device: string;
  tokens: number;
  /** Milliseconds of whole calls. */
  latency: Description;
  /** Mean milliseconds of each stage; they add up to the mean latency. */
  stages: Record<(typeof STAGES)[number], number>;
  requestsPerSecond: number;
  tokensPerSecond: number;
}

/** A point where one device becomes faster than another. */
export interface Crossing extends Point {
  devices: [string, string];
}

/** Collects samples. */
export class Results {
  readonly #samples = new Map<string, Map<number, Sample[]>>();
  /** Samples thrown away and measured again. */
  repeated = 0;

  constructor(
    readonly devices: readonly string[],
    readonly lengths: readonly number[],
  ) {
    for (const device of devices) this.#samples.set(device, new Map(lengths.map((length) => [length, []])));
  }

  /** Adds one call. */
  add(device: string, tokens: number, sample: Sample): void {
    this.#samples.get(device)?.get(tokens)?.push(sample);
  }

  /** The samples of a device at a length, or at all lengths, in the order they came. */
  samples(device: string, tokens: number | "all"): readonly Sample[] {
    const own = this.#samples.get(device);
    return tokens === "all" ? [...(own?.values() ?? [])].flat() : (own?.get(tokens) ?? []);
  }

  /** Whether nothing has been measured yet. */
  get empty(): boolean {
    return this.devices.every((device) => this.samples(device, "all").length === 0);
  }

  /** A row for each device and length with samples. */
  rows(): Row[] {
    return this.devices.flatMap((device) => this.rowsOf(device));
  }

  /** The rows of one device. */
  rowsOf(device: string): Row[] {
    return this.lengths.flatMap((tokens) => {
      const samples = this.samples(device, tokens);
      return samples.length > 0 ? [row(device, tokens, samples)] : [];
    });
  }

  /** Where the medians of two devices cross, for each pair of them. */
  crossings(): Crossing[] {
    const lines = this.devices.map((device) =>
      this.rowsOf(device).map(({ tokens, latency }) => ({ x: tokens, y: latency.p50 })),
    );
    return this.devices.flatMap((one, i) =>
      this.devices.slice(i + 1).flatMap((other, j) =>
        crossings(lines[i] ?? [], lines[i + 1 + j] ?? []).map((point) => ({
          ...point,
          devices: [one, other] satisfies [string, string],
        })),
      ),
    );
  }
}

function row(device: string, tokens: number, samples: readonly Sample[]): Row {
  const latency = describe(samples.map(({ total }) => total));
  const mean = (stage: (typeof STAGES)[number]): number =>
    samples.reduce((sum, sample) => sum + sample[stage], 0) / samples.length;
  const requestsPerSecond = 1000 / latency.mean;
  return {
    device,
    tokens,
    latency,
    stages: { tokenize: mean("tokenize"), forward: mean("forward"), rest: mean("rest") },
    requestsPerSecond,
    tokensPerSecond: tokens * requestsPerSecond,
  };
}
