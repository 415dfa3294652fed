#!/usr/bin/env node
/** The command `tabsense`: classifies texts, and converts weights. */

import { parseArgs } from "node:util";
import { CONVERT_DTYPES } from "./convert.js";
import { convertFile, ENOUGH_TOKENS } from "./convert-file.js";
import { toError } from "./errors.js";
import { Classifier } from "./node.js";

const LIST = new Intl.ListFormat("en", { type: "disjunction" });

const HELP = `Usage:
  tabsense [classify] TEXT...            classify each text; prints its labels, best first
  tabsense convert IN OUT --dtype TYPE   convert a safetensors file, or that of a folder; TYPE is ${LIST.format(CONVERT_DTYPES)}

Options:
  --calibration TEXTS
                  for int4: texts of the kind that the model will read, one a line, or JSON Lines (.jsonl) with a
                  property "text"; config.json and tokenizer.json must lie beside IN
  --model MODEL   an embedded model's name, "org/name[@revision]", a URL or a folder (default: sentiment-en)
  --top N         print only the N best labels
  --json          print one JSON object a text
  --help          print this text
`;

/** A command line that makes no sense; the exit code is 2, as is the custom. */
class UsageError extends Error {}

async function classify(texts: string[], options: { model: string; top: string | undefined; json: boolean }): Promise<void> {
  if (texts.length === 0) throw new UsageError("There is no text to classify.");
  const topK = options.top === undefined ? null : Number(options.top);
  const classifier = await Classifier.load(options.model);
  try {
    const results = await classifier.classify(texts, { topK });
    for (const [i, scores] of results.entries()) {
      if (options.json) {
        console.log(JSON.stringify({ text: texts[i], scores }));
        continue;
      }
      if (texts.length > 1) console.log(texts[i]);
      for (const { label, score } of scores) console.log(`${label}\t${score.toFixed(4)}`);
      if (scores[0]?.truncated) console.log("(cut to the length that the model takes)");
    }
  } finally {
    await classifier.dispose();
  }
}

async function convert(paths: string[], { dtype, calibration }: { dtype: string | undefined; calibration: string | undefined }): Promise<void> {
  const [from, output] = paths;
  if (from === undefined || output === undefined || paths.length > 2) throw new UsageError("convert takes two files: IN and OUT.");
  if (dtype === undefined || !CONVERT_DTYPES.some((known) => known === dtype)) throw new UsageError(`--dtype must be ${LIST.format(CONVERT_DTYPES)}.`);
  if (dtype === "int4" && calibration === undefined) {
    throw new UsageError(`--dtype int4 needs --calibration TEXTS: a file with texts of the kind that the model will read, ${ENOUGH_TOKENS} tokens or more (some 300 sentences).`);
  }
  if (dtype !== "int4" && calibration !== undefined) throw new UsageError("--calibration is for --dtype int4.");
  await convertFile({ from, output, dtype, calibration });
}

async function main(): Promise<void> {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        calibration: { type: "string" },
        dtype: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
        json: { type: "boolean", default: false },
        model: { type: "string", default: "sentiment-en" },
        top: { type: "string" },
      },
    });
  } catch (thrown) {
    throw new UsageError((thrown as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return void process.stdout.write(HELP);
  const [command, ...rest] = positionals;
  if (command === "convert") return convert(rest, { dtype: values.dtype, calibration: values.calibration });
  return classify(command === "classify" ? rest : positionals, { model: values.model, top: values.top, json: values.json });
}

main().catch((thrown: unknown) => {
  if (thrown instanceof UsageError) {
    process.stderr.write(`tabsense: ${thrown.message}\n\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  const error = toError(thrown);
  process.stderr.write(`tabsense: ${error.message} (${error.kind})\n`);
  process.exitCode = 1;
});
