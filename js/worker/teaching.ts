/** Trains classifiers in a separate module, in time slices between which messages are handled. */

import { isTrap } from "../api/errors.js";
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
        let reported = -1;
        for (;;) {
          const done = teacher.step();
          const part = Math.floor(done * PARTS);
          if (part > reported) onProgress({ done: (reported = part), total: PARTS });
          if (done >= 1) break;
          await pause();
        }
      } catch (thrown) {
        // After a trap nothing of the module can be used, and its JavaScript starts only one: the service ends.
        if (!isTrap(thrown)) teacher.free();
        throw thrown;
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
