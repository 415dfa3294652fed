#!/usr/bin/env node
/** The command `tabsense`: classifies texts, and converts weights. */

import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { convert, CONVERT_DTYPES } from "./convert.js";
import { startEngine } from "./engine.js";
import { toError } from "./errors.js";
import { Classifier } from "./node.js";
import { nodeHost, openPath } from "./nodejs.js";
import { readChunks } from "./stream.js";

const HELP = `Usage:
  tabsense [classify] TEXT...            classify each text; prints its labels, best first
  tabsense convert IN OUT --dtype TYPE   convert a safetensors file; TYPE is ${CONVERT_DTYPES.join(" or ")}

Options:
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

/** Converts file to file. The new file gets its name only once it is whole. */
async function convertFile(paths: string[], dtype: string | undefined): Promise<void> {
  const [input, output] = paths;
  if (input === undefined || output === undefined || paths.length > 2) throw new UsageError("convert takes two files: IN and OUT.");
  if (!CONVERT_DTYPES.some((known) => known === dtype)) throw new UsageError(`--dtype must be ${CONVERT_DTYPES.join(" or ")}.`);
  const { signal } = new AbortController();
  const { module } = await startEngine(nodeHost, { wasm: null, threads: 1 }, signal, () => {});
  const temporary = `${output}.${process.pid}.tmp`;
  let read = 0;
  let written = 0;
  try {
    const chunks = readChunks(await openPath(input), input, signal, (bytes) => void (read = bytes));
    await pipeline(
      convert(module, dtype!, chunks),
      async function* (pieces: AsyncIterable<Uint8Array>) {
        for await (const piece of pieces) {
          written += piece.length;
          yield piece;
        }
      },
      createWriteStream(temporary),
    );
    await rename(temporary, output);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
  console.log(`${output}: ${written} bytes, ${((100 * written) / read).toFixed(1)} % of ${input}`);
}

async function main(): Promise<void> {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
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
  if (command === "convert") return convertFile(rest, values.dtype);
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
