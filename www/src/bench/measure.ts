/** The measuring itself: texts of several lengths, round by round, on one device after the other. */

import type { Classifier, Detailed, Device } from "tabsense";
import type { Activity } from "../activity.ts";
import { textsOf, type Text } from "./texts.ts";

/** Rounds before the measured ones: the engine compiles, caches fill, the processor raises its clock. */
export const WARM_UP_ROUNDS = 2;

/** A device to measure on: a model that runs there. */
export interface Target {
  /** How the device is called: "CPU". */
  device: string;
  /** Where its calls run; `"auto"`: on either. */
  backend: Device;
  classifier: Classifier;
}

/** Milliseconds of one call; `rest` is what is neither of the two: messages to the worker and back. */
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

/** How the page takes part. */
export interface Hooks {
  signal: AbortSignal;
  /** What else uses the models: it is waited for, and a sample that it fell into is thrown away. */
  activity: Activity;
  /** Called before each call, with what is about to be run. */
  step(step: Step): void;
  /** Called with each sample. What it draws is on the screen before the next call starts. */
  sample(device: string, tokens: number, sample: Sample): Promise<void> | void;
  /** Called where the next call has to wait for the page's own. */
  waiting(): void;
  /** Called for each sample thrown away. */
  repeated(): void;
}

/** Where a run is. */
export interface Step {
  phase: "texts" | "warm-up" | "measure";
  /** From 1 to `rounds`. */
  round: number;
  rounds: number;
  device: string;
  tokens: number;
  /** Calls done, of all there are in the run. */
  done: number;
  calls: number;
}

/** Runs the plan to its end; rejects as soon as `signal` is aborted, and where a model fails. */
export async function measure({ targets, lengths, rounds }: Plan, hooks: Hooks): Promise<void> {
  const calls = targets.length * lengths.length * (WARM_UP_ROUNDS + rounds);
  let done = 0;
  const tell = (phase: Step["phase"], round: number, device: string, tokens: number): void =>
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
    tell("texts", 0, target.device, 0);
    texts.set(
      target,
      await textsOf(lengths, (some) =>
        target.classifier.classify(some, { details: true, signal: hooks.signal }),
      ),
    );
  }

  for (let round = 1 - WARM_UP_ROUNDS; round <= rounds; round += 1) {
    const warmUp = round < 1;
    for (const target of targets) {
      // Up and down in turn, so that each length follows a shorter one as often as a longer one.
      const all = texts.get(target) ?? [];
      for (const { tokens, text } of round % 2 === 0 ? all.toReversed() : all) {
        tell(warmUp ? "warm-up" : "measure", warmUp ? round + WARM_UP_ROUNDS : round, target.device, tokens);
        const sample = await undisturbed(target, text, hooks);
        done += 1;
        if (!warmUp) await hooks.sample(target.device, tokens, sample);
      }
    }
  }
}

/** One call that had the model and the screen to itself; it is repeated until it had. */
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
        `${name} is no longer there: a call ran elsewhere. What was measured until then is shown.`,
      );
    if (before === hooks.activity.changes() && !document.hidden) return parts(timings);
    hooks.repeated();
  }
}

function parts({ total, tokenize, forward }: Detailed["timings"]): Sample {
  return { total, tokenize, forward, rest: Math.max(0, total - tokenize - forward) };
}

/** Resolves while the page can be seen: browsers slow down what cannot. */
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
