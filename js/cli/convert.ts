/** `tabsense convert`. */

import { CONVERT_DTYPES } from "../convert.js";
import { ANY_OF, UsageError, type Invocation } from "./arguments.js";
import { convertFile, ENOUGH_TOKENS } from "./convert-file.js";
import { stoppable } from "./stops.js";

/** Converts a file of weights. */
export async function convertCommand({
  values: { dtype, calibration, force = false },
  operands,
  texts,
}: Invocation): Promise<void> {
  const [from, output, ...more] = [...operands, ...texts];
  if (from === undefined || output === undefined || more.length > 0)
    throw new UsageError("convert takes two files: IN and OUT.");
  if (dtype === undefined || !CONVERT_DTYPES.some((known) => known === dtype))
    throw new UsageError(`--dtype must be ${ANY_OF.format(CONVERT_DTYPES)}.`);
  if (dtype === "int4" && calibration === undefined) {
    throw new UsageError(
      `--dtype int4 needs --calibration TEXTS: a file with texts of the kind that the model will read, ${ENOUGH_TOKENS} tokens or more (some 300 sentences).`,
    );
  }
  if (dtype !== "int4" && calibration !== undefined)
    throw new UsageError("--calibration is for --dtype int4.");
  await stoppable("", (signal) => convertFile({ from, output, dtype, calibration, force }, signal));
}
