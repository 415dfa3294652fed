/** The command line: which command, which options, and whether they belong together. */

import { parseArgs } from "node:util";
import { DEVICES, isHalfOnCpu, MAX_THREADS } from "../api/options.js";
import { DTYPES } from "../files/choice.js";
import type { Device, LoadOptions } from "../api/types.js";

/** Every option of every command. */
const OPTIONS = {
  calibration: { type: "string" },
  column: { type: "string" },
  compress: { type: "boolean" },
  delimiter: { type: "string" },
  device: { type: "string" },
  dtype: { type: "string" },
  encoding: { type: "string" },
  "escape-formulas": { type: "boolean" },
  force: { type: "boolean" },
  format: { type: "string" },
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  keep: { type: "string" },
  label: { type: "string" },
  model: { type: "string" },
  "no-header": { type: "boolean" },
  out: { type: "string" },
  "out-format": { type: "string" },
  pair: { type: "string" },
  "pair-column": { type: "string" },
  prefix: { type: "string" },
  quote: { type: "string" },
  resume: { type: "boolean" },
  separator: { type: "string" },
  "skip-invalid": { type: "boolean" },
  tables: { type: "string" },
  taught: { type: "string" },
  text: { type: "string" },
  threads: { type: "string" },
  top: { type: "string" },
  version: { type: "boolean" },
  vocabulary: { type: "string" },
} as const;

type OptionName = keyof typeof OPTIONS;

/** The options that each command accepts, besides `--help` and `--version`. */
const COMMAND_OPTIONS = {
  classify: [
    "column",
    "delimiter",
    "device",
    "dtype",
    "encoding",
    "escape-formulas",
    "force",
    "format",
    "json",
    "model",
    "no-header",
    "out",
    "out-format",
    "pair",
    "pair-column",
    "prefix",
    "quote",
    "resume",
    "skip-invalid",
    "taught",
    "threads",
    "top",
  ],
  teach: [
    "delimiter",
    "device",
    "dtype",
    "encoding",
    "force",
    "format",
    "json",
    "label",
    "model",
    "no-header",
    "out",
    "quote",
    "separator",
    "text",
    "threads",
  ],
  convert: ["calibration", "column", "compress", "dtype", "force", "keep", "tables", "vocabulary"],
  info: ["json", "model"],
  bench: ["device", "dtype", "json", "model", "threads"],
} as const satisfies Record<string, readonly OptionName[]>;

/** A command's name. */
export type Command = keyof typeof COMMAND_OPTIONS;

/** The options' values. */
export type Values = ReturnType<typeof lex>["values"];

/** A parsed command line. */
export interface Invocation {
  /** Null if none is named: then texts or a file are classified. */
  command: Command | null;
  values: Values;
  /** The arguments before `--` that are neither the command nor an option. */
  operands: string[];
  /** The arguments after `--`, which are always texts. */
  texts: string[];
}

/** An invalid command line; the usage of `command` is printed below the message. */
export class UsageError extends Error {
  readonly command: Command | null;

  constructor(message: string, command: Command | null = null) {
    super(message);
    this.command = command;
  }
}

/** The model that is used unless another one is named. */
export const DEFAULT_MODEL = "sentiment-en";

/** The encoder that classifiers are taught on unless another one is named. */
export const DEFAULT_EMBEDDER = "minilm-en";

/** Values as a message names them: "int8, int4, or fp16". */
export const ANY_OF = new Intl.ListFormat("en", { type: "disjunction" });

/** The model that is an operand, or that `--model` names. */
export function modelOf({ operands, texts, values }: Invocation): string {
  const named = [...operands, ...texts, ...(values.model === undefined ? [] : [values.model])];
  if (named.length > 1) throw new UsageError(`Pass one model, not ${named.join(" and ")}.`);
  return named[0] ?? DEFAULT_MODEL;
}

/** Parses a command line, including `help COMMAND`. */
export function parse(args: string[]): Invocation {
  let lexed;
  try {
    lexed = lex(args);
  } catch (thrown) {
    throw new UsageError((thrown as Error).message, args.find(isCommand) ?? null);
  }
  const { values, tokens } = lexed;
  const end = tokens.find(({ kind }) => kind === "option-terminator")?.index ?? Infinity;
  const positionals = tokens.filter((token) => token.kind === "positional");
  const [operands, texts] = [
    positionals.filter(({ index }) => index < end),
    positionals.filter(({ index }) => index > end),
  ].map((some) => some.map(({ value }) => value)) as [string[], string[]];
  if (
    operands[0] === "help" &&
    operands.slice(1).every(isCommand) &&
    operands.length <= 2 &&
    texts.length === 0
  ) {
    return {
      command: (operands[1] as Command | undefined) ?? null,
      values: { ...values, help: true },
      operands: [],
      texts,
    };
  }
  const command = isCommand(operands[0]) ? operands[0] : null;
  if (command) operands.shift();
  const allowed: readonly string[] = [...COMMAND_OPTIONS[command ?? "classify"], "help", "version"];
  const foreign = tokens.find((token) => token.kind === "option" && !allowed.includes(token.name));
  if (foreign?.kind === "option")
    throw new UsageError(`${command ?? "classify"} has no option ${foreign.rawName}.`, command ?? "classify");
  return { command, values, operands, texts };
}

/** A whole number of at least 1, or the default. */
export function wholeNumber<T>(
  values: Values,
  name: "keep" | "threads" | "top",
  otherwise: T,
  max: number = Infinity,
): number | T {
  const value = values[name];
  if (value === undefined) return otherwise;
  const number = /^\d+$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > max) {
    const range = max === Infinity ? "of at least 1" : `from 1 to ${max}`;
    const orAll = name === "top" ? ", or all" : "";
    throw new UsageError(`--${name} must be a whole number ${range}${orAll}, not ${JSON.stringify(value)}.`);
  }
  return number;
}

/** `--threads`: how many processors to use at most. */
export function threadsOf<T>(values: Values, otherwise: T): number | T {
  return wholeNumber(values, "threads", otherwise, MAX_THREADS);
}

/** One of the `known` values of an option, or null by default. */
export function oneOf<T extends string>(
  name: string,
  value: string | undefined,
  known: readonly T[],
): T | null {
  if (value === undefined) return null;
  const found = known.find((one) => one === value);
  if (found === undefined)
    throw new UsageError(`--${name} must be one of ${known.join(", ")}, not ${JSON.stringify(value)}.`);
  return found;
}

/** The hub that the environment names, as for Python's libraries: a mirror, or a company's own. */
export function hubOf(): Pick<LoadOptions, "hub"> {
  const hub = process.env["HF_ENDPOINT"];
  if (!hub) return {};
  if (!URL.canParse(hub) || !/^https?:/.test(hub))
    throw new UsageError(
      `The environment variable HF_ENDPOINT must be an address such as https://huggingface.co, not ${JSON.stringify(hub)}.`,
    );
  return { hub };
}

/** The load options that the command line and the environment set. */
export function loadOptionsOf(values: Values): Pick<LoadOptions, "device" | "dtype" | "hub"> {
  const device = oneOf("device", values.device, DEVICES) ?? "auto";
  const dtype = oneOf("dtype", values.dtype, DTYPES) ?? "auto";
  if (isHalfOnCpu(device, dtype))
    throw new UsageError(
      "--dtype fp16 needs a graphics card. With --device cpu, use auto, fp32, int8 or int4.",
    );
  return { device: device as Device, dtype, ...hubOf() };
}

function isCommand(word: string | undefined): word is Command {
  return word !== undefined && Object.hasOwn(COMMAND_OPTIONS, word);
}

function lex(args: string[]) {
  return parseArgs({ args, allowPositionals: true, tokens: true, options: OPTIONS });
}
