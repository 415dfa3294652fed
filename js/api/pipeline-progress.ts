/** Turns the progress of a loading into the events of transformers.js 4. */

import { TabsenseError } from "./errors.js";
import type { FileLoadingProgress, ProgressCallback, ProgressInfo } from "./pipeline-types.js";
import { TOKENIZER_CONFIG, type Progress } from "./types.js";

/** The files that every model is asked for; which file holds the weights shows while it loads. */
const SMALL = ["config.json", "tokenizer.json"];

/** One file on its way. */
interface State extends FileLoadingProgress {
  stage: "initiated" | "loading" | "done";
}

/** What tells a callback of a loading. */
export interface ProgressEvents {
  /** To be called before the loading. */
  start(): void;
  /** To be called with each event of the loading. */
  progress(progress: Progress): void;
  /** What the callback threw, by the name that the caller knows it by; null where it didn't. */
  failure(): TabsenseError | null;
}

/**
 * Tells `callback` of each file `initiate`, `download`, `progress` and `done` in this order, and of all
 * `ready` at the end. `name` and `task` are what events call the model and the task.
 *
 * `progress_total` comes before each `progress`, once every file's length has been told: before that, a sum
 * would run backwards. The engine's own file is not told of, as transformers.js doesn't. A file that has to
 * be read again begins again with `initiate`.
 */
export function progressEvents(task: string, name: string, callback: ProgressCallback): ProgressEvents {
  const files = new Map<string, State>();
  /** Whether the weights are told of, which are most of all bytes. */
  let weighed = false;
  let failure: TabsenseError | null = null;

  function emit(event: ProgressInfo): void {
    try {
      callback(event);
    } catch (cause) {
      failure = new TabsenseError("invalid_argument", `progress_callback threw (${String(cause)}).`, {
        cause,
      });
      throw failure;
    }
  }

  function initiate(file: string): State {
    const state: State = { stage: "initiated", loaded: 0, total: 0 };
    files.set(file, state);
    emit({ status: "initiate", name, file });
    return state;
  }

  function end(file: string, state: State): void {
    state.stage = "done";
    emit({ status: "done", name, file });
  }

  /** `files` as sums over all of them, and each for itself. */
  function emitTotal(): void {
    const all = [...files].map(([file, { loaded, total }]) => [file, { loaded, total }] as const);
    const loaded = all.reduce((sum, [, file]) => sum + file.loaded, 0);
    const total = all.reduce((sum, [, file]) => sum + file.total, 0);
    emit({
      status: "progress_total",
      name,
      progress: percent(loaded, total),
      loaded,
      total,
      files: Object.fromEntries(all),
    });
  }

  return {
    start: () => SMALL.forEach(initiate),
    failure: () => failure,
    progress({ stage, file, bytes, total }) {
      if (stage === "runtime") return;
      if (stage === "ready") {
        // A file whose length nobody told ends here at the latest.
        for (const [file, state] of files) if (state.stage !== "done") end(file, state);
        return emit({ status: "ready", task, model: name });
      }
      // There is none where the tokenizer is read from older files.
      if (stage === "tokenizer" && file !== "tokenizer.json" && file !== TOKENIZER_CONFIG)
        files.delete("tokenizer.json");
      let state = files.get(file);
      if (!state || state.stage === "done" || bytes < state.loaded) state = initiate(file);
      if (state.stage === "initiated") {
        state.stage = "loading";
        emit({ status: "download", name, file });
      }
      state.loaded = bytes;
      state.total = total ?? bytes;
      if (stage === "weights") weighed = true;
      if (weighed && [...files.values()].every(({ stage }) => stage !== "initiated")) emitTotal();
      emit({
        status: "progress",
        name,
        file,
        progress: percent(state.loaded, state.total),
        loaded: state.loaded,
        total: state.total,
      });
      if (bytes === total) end(file, state);
    },
  };
}

function percent(loaded: number, total: number): number {
  return total > 0 ? (loaded / total) * 100 : 0;
}
