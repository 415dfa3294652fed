/** Turns loading progress into the events of transformers.js 4. */

import { TabsenseError } from "./errors.js";
import type { FileLoadingProgress, ProgressCallback, ProgressInfo } from "./pipeline-types.js";
import { TOKENIZER_CONFIG, type Progress } from "./types.js";

/** The files that are requested for every model; the weights file is known only while it loads. */
const SMALL = ["config.json", "tokenizer.json"];

/** The state of one file. */
interface State extends FileLoadingProgress {
  stage: "initiated" | "loading" | "done";
}

/** Reports a load to a callback. */
export interface ProgressEvents {
  /** Call this before the load. */
  start(): void;
  /** Call this with each progress event of the load. */
  progress(progress: Progress): void;
  /** What the callback threw, as an error that names `progress_callback`; null if it didn't throw. */
  failure(): TabsenseError | null;
}

/**
 * Calls `callback` with `initiate`, `download`, `progress` and `done` for each file, in this order, and with
 * `ready` at the end. `name` and `task` are the model and the task in events.
 *
 * `progress_total` comes before each `progress`, once every file's length is known: before that, the sum
 * would run backwards. The engine's own file is not reported, as in transformers.js. A file that has to be
 * read again starts again with `initiate`.
 */
export function progressEvents(task: string, name: string, callback: ProgressCallback): ProgressEvents {
  const files = new Map<string, State>();
  /** Whether the weights, which are most of all bytes, have been reported. */
  let hasWeights = false;
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

  /** Emits the sums over all files, and the numbers of each. */
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
        // A file of unknown length ends here at the latest.
        for (const [file, state] of files) if (state.stage !== "done") end(file, state);
        return emit({ status: "ready", task, model: name });
      }
      // There is no tokenizer.json if the tokenizer is read from older files.
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
      if (stage === "weights") hasWeights = true;
      if (hasWeights && [...files.values()].every(({ stage }) => stage !== "initiated")) emitTotal();
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
