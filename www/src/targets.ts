/** What the benchmark measures: both backends while they are compared, or else the model in use. */

import type { Classifier } from "tabsense";
import type { Target } from "./bench/measure.ts";
import { BACKENDS, DEVICE_NAMES, type Backend } from "./format.ts";

/** The targets, from the two classifiers that are compared and the one in use. */
export function targetsOf(
  sides: Readonly<Record<Backend, Classifier>> | null,
  current: Classifier | null,
): Target[] {
  if (sides) {
    const alike = sides.cpu.info.dtype === sides.webgpu.info.dtype;
    return BACKENDS.map((backend) => {
      const classifier = sides[backend];
      const dtype = alike ? "" : ` ${classifier.info.dtype}`;
      return { device: `${DEVICE_NAMES[backend]}${dtype}`, backend, classifier };
    });
  }
  if (!current) return [];
  const { device } = current.info;
  return [{ device: DEVICE_NAMES[device], backend: device, classifier: current }];
}
