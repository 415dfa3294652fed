/** `tabsense convert`. */

import { CONVERT_DTYPES, TABLES } from "../convert.js";
import { ANY_OF, UsageError, type Invocation } from "./arguments.js";
import { convertFile, ENOUGH_TOKENS } from "./convert-file.js";
import { stoppable } from "./stops.js";

/** Converts a file of weights. */
export async function convertCommand({
  values: { dtype, calibration, tables, force = false },
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
  if (dtype !== "int4" && tables !== undefined) throw new UsageError("--tables is for --dtype int4.");
  const known = TABLES.find((name) => name === (tables ?? TABLES[0]));
  if (known === undefined) throw new UsageError(`--tables must be ${ANY_OF.format(TABLES)}.`);
  const conversion = { from, output, dtype, calibration, tables: known, force };
  await stoppable("", (signal) => convertFile(conversion, signal));
}
