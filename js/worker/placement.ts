/** Decides where a model runs, from the options and the failures of the graphics card. */

import { isTrap, toError, type TabsenseError } from "../api/errors.js";
import type { EngineModule } from "../builds.js";
import { within } from "../platform/within.js";
import type { Device } from "../api/types.js";
import type { Gpu } from "../wasm/simd/tabsense.js";

/** A device that is lost twice within this many milliseconds is not requested a third time. */
const LOSS_INTERVAL = 60_000;

/** How many milliseconds a browser has for returning a device. */
const REQUEST_LIMIT = 10_000;

/** What one classifier knows about its graphics card. */
export interface Placement {
  /** Whether the CPU has the weights in addition to the graphics card. */
  readonly both: boolean;
  /** Why the graphics card is not, or no longer, requested; null while it is. */
  readonly reason: string | null;
  /** A device, or null if there is none; `reason` then says why. */
  request(module: EngineModule): Promise<Gpu | null>;
  /**
   * Handles an error of a model that was on the graphics card. Returns whether the model can be loaded again,
   * there or on the CPU.
   */
  recovers(error: TabsenseError): boolean;
}

/** `none` is why there can be no graphics card here at all, or null; `now` is a clock in milliseconds. */
export function startPlacement(
  device: Device,
  none: string | null,
  now: () => number = () => performance.now(),
): Placement {
  let reason = device === "cpu" ? "The CPU was requested." : none;
  let lost: { at: number } | null = null;

  return {
    both: device === "auto",
    get reason() {
      return reason;
    },

    async request(module) {
      if (reason !== null) return null;
      const request = module.Gpu.request(device === "webgpu");
      try {
        const gpu = await within(REQUEST_LIMIT, request);
        if (gpu !== null) return gpu.value;
        // A device that arrives late is freed.
        void request.then(
          (late) => late.free(),
          () => {},
        );
        reason = `The browser returned no device within ${REQUEST_LIMIT / 1000} seconds.`;
      } catch (thrown) {
        if (isTrap(thrown)) throw thrown;
        reason = toError(thrown).message;
      }
      if (lost) reason = `The device was lost and could not be replaced: ${reason}`;
      return null;
    },

    recovers(error) {
      if (reason !== null) return false;
      if (error.kind === "device_lost") {
        if (lost && now() - lost.at < LOSS_INTERVAL)
          reason = `The device was lost twice within a minute: ${error.message}`;
        lost = { at: now() };
        return true;
      }
      if (error.kind !== "webgpu_unusable" && error.kind !== "out_of_memory") return false;
      reason = error.message;
      return true;
    },
  };
}
