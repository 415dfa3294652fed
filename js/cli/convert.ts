/** `tabsense convert`. */

import { CONVERT_DTYPES, TABLES } from "../convert.js";
import { ANY_OF, UsageError, wholeNumber, type Invocation } from "./arguments.js";
import { convertFile, RECOMMENDED_TOKENS } from "./convert-file.js";
import { convertFolder } from "./convert-folder.js";
import { stoppable } from "./stops.js";

/** The largest `--keep`: more than any vocabulary has. */
const MAX_TOKENS = 10_000_000;

/** Converts a weights file, or a model whose vocabulary is pruned. */
export async function convertCommand({ values, operands, texts }: Invocation): Promise<void> {
  const { dtype, calibration, vocabulary, column = null, compress = false, force = false, tables } = values;
  const [from, output, ...more] = [...operands, ...texts];
  if (from === undefined || output === undefined || more.length > 0)
    throw new UsageError("convert needs two files: IN and OUT.");
  const keep = wholeNumber(values, "keep", null, MAX_TOKENS);
  if ((vocabulary === undefined) !== (keep === null))
    throw new UsageError("--vocabulary TEXTS and --keep N must be passed together.");
  if (column !== null && vocabulary === undefined) throw new UsageError("--column is for --vocabulary.");
  if (dtype !== undefined && !CONVERT_DTYPES.some((known) => known === dtype))
    throw new UsageError(`--dtype must be ${ANY_OF.format(CONVERT_DTYPES)}.`);
  if (dtype === "int4" && calibration === undefined) {
    throw new UsageError(
      `--dtype int4 needs --calibration TEXTS: a file with typical texts for the model, ${RECOMMENDED_TOKENS} tokens or more (about 300 sentences).`,
    );
  }
  if (dtype !== "int4" && calibration !== undefined)
    throw new UsageError("--calibration is for --dtype int4.");
  if (dtype !== "int4" && tables !== undefined) throw new UsageError("--tables is for --dtype int4.");
  const known = TABLES.find((name) => name === (tables ?? TABLES[0]));
  if (known === undefined) throw new UsageError(`--tables must be ${ANY_OF.format(TABLES)}.`);
  const job = { from, output, calibration, tables: known, compress, force };
  await stoppable("", (signal) =>
    vocabulary !== undefined && keep !== null
      ? convertFolder({ ...job, dtype, vocabulary, column, keep }, signal)
      : convertFile({ ...job, dtype }, signal),
  );
}
