/** Trains classifiers in a separate module, in time slices between which messages are handled. */

import { isTrap, TabsenseError } from "../api/errors.js";
import type { CallProgress } from "../api/types.js";
import type { TeachRequest, Trained } from "../client/protocol.js";
import { startTeacher, type TeacherModule } from "../teacher.js";
import type { EngineHost } from "./engine.js";

/** Trains classifiers, one after the other. */
export interface Training {
  /** `pause` is awaited between two slices, and may throw. */
  train(
    request: TeachRequest,
    signal: AbortSignal,
    pause: () => Promise<void>,
    onProgress: (progress: CallProgress) => void,
  ): Promise<Trained>;
}

/** The number of progress steps. */
const PARTS = 100;

/** The module is fetched with the first training, and kept. */
export function startTraining(host: EngineHost): Training {
  let module: TeacherModule | null = null;
  return {
    async train(request, signal, pause, onProgress) {
      const { width, labels, multi, vectors, targets, names, nameLabels, former } = request;
      module ??= await startTeacher(host, signal);
      const teacher = new module.Teacher(width, labels, multi);
      try {
        teacher.examples(
          vectors,
          Uint32Array.from(targets.flat()),
          Uint32Array.from(targets, ({ length }) => length),
        );
        teacher.names(names, Uint32Array.from(nameLabels));
        if (former) {
          const { strength, nameWeight, temperature, threshold } = former.keep;
          teacher.start(former.weights, former.bias);
          teacher.keep(strength, nameWeight, temperature, threshold);
        }
        let told = -1;
        for (;;) {
          const done = teacher.step();
          const part = Math.floor(done * PARTS);
          if (part > told) onProgress({ done: (told = part), total: PARTS });
          if (done >= 1) break;
          await pause();
        }
      } catch (thrown) {
        if (!isTrap(thrown)) {
          teacher.free();
          throw thrown;
        }
        module = null; // its memory is in an unknown state; the engine has its own
        throw new TabsenseError(
          "internal",
          `Teaching failed (${thrown.message}). Teach again, and please report this.`,
        );
      }
      const { weights, bias, strength, nameWeight, temperature, threshold, ...rest } = teacher.finish();
      const { predicted, probability, own } = rest;
      return {
        weights,
        bias,
        keep: { strength, nameWeight, temperature, threshold },
        leftOut: former ? null : { predicted, probability, own },
      };
    },
  };
}
