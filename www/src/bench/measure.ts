/** Measures texts of several lengths, round by round, on one device after the other. */

import type { Classifier, Detailed, Device } from "tabsense";
import type { Activity } from "../activity.ts";
import { textsOf, type Text } from "./texts.ts";

/** Rounds before the measured ones: the engine compiles, caches fill, the processor raises its clock. */
export const WARM_UP_ROUNDS = 2;

/** A device to measure on: a model that runs there. */
export interface Target {
  /** The name of the device: "CPU". */
  device: string;
  /** Where its calls run; `"auto"`: on either. */
  backend: Device;
  classifier: Classifier;
}

/** Milliseconds of one call; `rest` is the time outside the two stages: messages to the worker and back. */
export interface Sample {
  total: number;
  tokenize: number;
  forward: number;
  rest: number;
}

/** What to measure. */
export interface Plan {
  targets: readonly Target[];
  lengths: readonly number[];
  rounds: number;
}

/** The page's part in a run. */
export interface Hooks {
  signal: AbortSignal;
  /** The page's own calls: a run waits for them, and discards a sample that one of them disturbed. */
  activity: Activity;
  /** Called before each call, with the call that is about to run. */
  step(step: Step): void;
  /** Called with each sample. What it draws is on the screen before the next call starts. */
  sample(device: string, tokens: number, sample: Sample): Promise<void> | void;
  /** Called if the next call has to wait for the page's own calls. */
  waiting(): void;
  /** Called for each discarded sample. */
  repeated(): void;
}

/** The progress of a run. */
export interface Step {
  phase: "texts" | "warm-up" | "measure";
  /** From 1 to `rounds`; 0 while texts are made. */
  round: number;
  rounds: number;
  device: string;
  tokens: number;
  /** Calls done, of all `calls` in the run. */
  done: number;
  calls: number;
}

/** Runs the plan to its end; rejects as soon as `signal` fires or a model fails. */
export async function measure({ targets, lengths, rounds }: Plan, hooks: Hooks): Promise<void> {
  const calls = targets.length * lengths.length * (WARM_UP_ROUNDS + rounds);
  let done = 0;
  const report = (phase: Step["phase"], round: number, device: string, tokens: number): void =>
    hooks.step({
      phase,
      round,
      rounds: phase === "warm-up" ? WARM_UP_ROUNDS : rounds,
      device,
      tokens,
      done,
      calls,
    });

  const texts = new Map<Target, Text[]>();
  for (const target of targets) {
    report("texts", 0, target.device, 0);
    texts.set(
      target,
      await textsOf(lengths, (words) =>
        target.classifier.classify(words, { details: true, signal: hooks.signal }),
      ),
    );
  }

  for (let round = 1 - WARM_UP_ROUNDS; round <= rounds; round += 1) {
    const warmUp = round < 1;
    for (const target of targets) {
      // Up and down alternately, so that each length follows a shorter one as often as a longer one.
      const all = texts.get(target) ?? [];
      for (const { tokens, text } of round % 2 === 0 ? all.toReversed() : all) {
        report(
          warmUp ? "warm-up" : "measure",
          warmUp ? round + WARM_UP_ROUNDS : round,
          target.device,
          tokens,
        );
        const sample = await undisturbed(target, text, hooks);
        done += 1;
        if (!warmUp) await hooks.sample(target.device, tokens, sample);
      }
    }
  }
}

/** Repeats a call until the page made no other calls and was visible during it. */
async function undisturbed(
  { device: name, backend, classifier }: Target,
  text: string,
  hooks: Hooks,
): Promise<Sample> {
  for (;;) {
    await visible(hooks.signal);
    if (hooks.activity.busy()) hooks.waiting();
    await hooks.activity.idle(hooks.signal);
    const before = hooks.activity.changes();
    const { timings, device } = await classifier.classify(text, { details: true, signal: hooks.signal });
    if (backend !== "auto" && device !== backend)
      throw new Error(
        `${name} is no longer available: a call ran on another device. The measurements so far are shown.`,
      );
    if (before === hooks.activity.changes() && !document.hidden) return parts(timings);
    hooks.repeated();
  }
}

function parts({ total, tokenize, forward }: Detailed["timings"]): Sample {
  return { total, tokenize, forward, rest: Math.max(0, total - tokenize - forward) };
}

/** Resolves when the page is visible: browsers slow down hidden pages. */
function visible(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const ended = new AbortController();
    const end = (settle: () => void) => (): void => {
      if (document.hidden && !signal.aborted) return;
      ended.abort();
      settle();
    };
    document.addEventListener("visibilitychange", end(resolve), { signal: ended.signal });
    signal.addEventListener(
      "abort",
      end(() => reject(signal.reason)),
      { signal: ended.signal },
    );
  });
}
