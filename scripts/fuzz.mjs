// Fuzzes everything that reads a model's files: `npm run test:fuzz`, or
// `node scripts/fuzz.mjs [TARGET [INPUT]]` for one target of fuzz/, or one input of it. `--seconds S`: how
// long each target runs at a time; `--executions N`: until all targets together have run `N` inputs, each for
// the same time.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Failure, main, must, output, ROOT, run } from "./run.mjs";
import { setUpFuzzing } from "./setup.mjs";

/** How long each target runs at a time, in seconds. */
const SECONDS = 10;
/** How many targets run at the same time: libFuzzer uses one core each. */
const TOGETHER = 2;
/**
 * An input that never ends is killed after this many seconds: on a busy machine, an input that takes
 * milliseconds may wait for half a minute. The targets themselves check that none takes more than one second
 * of processor time (fuzz/src/bounds.rs).
 */
const MAX_INPUT_SECONDS = 300;
/**
 * The maximum megabytes of a program: several times what one input may use, because the corpus is in memory,
 * too.
 */
const MAX_MEGABYTES = 1024;
/** The maximum bytes of an input, except for those that are a real file. */
const MAX_INPUT_BYTES = 4096;
/** The largest real file that is a seed, in bytes. */
const MAX_SEED_BYTES = 48 << 10;
/**
 * How many random inputs a corpus starts with: bytes that choose whole files, which small inputs don't grow
 * into within minutes.
 */
const RANDOM_SEEDS = 64;
/** The first byte of an input that is an unchanged file (fuzz/src/lib.rs). */
const FILE_PREFIX = Buffer.of(0xff);

/** The real files that each target starts with. Other targets build their files only from parts. */
const SEEDS = {
  config: [
    ["test_data/models", "models", "tests/cases/13-real-configs/read"],
    /config\.json$|read\/.*\.json$/,
  ],
  tokenizer_json: [["test_data/models", "test_data/static"], /tokenizer\.json$/],
  safetensors: [["test_data/models", "test_data/static"], /\.safetensors$/],
  weights: [
    ["test_data/models", "test_data/static"],
    /\/(mini-[\w-]*|mapped|int8|unigram)\/.*\.safetensors$/,
  ],
  convert: [["test_data/models"], /\/mini-[\w-]*\/.*\.safetensors$/],
  prune: [["test_data/models"], /\/mini-(bert|mpnet|electra)\/tokenizer\.json$/],
  onnx: [["test_data/onnx"], /mini-bert[\w-]*\.onnx$/],
  torch: [["test_data/torch"], /\.bin$/],
};

/**
 * The flags of cargo-fuzz, without the memory sanitizer, which needs a nightly toolchain (the fuzzed code has
 * no `unsafe`), and without the comparisons, which take two fifths of the time and say little about inputs
 * that are choices.
 */
const RUSTFLAGS = [
  "-Cpasses=sancov-module",
  "-Cllvm-args=-sanitizer-coverage-level=4",
  "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
  "-Cllvm-args=-sanitizer-coverage-pc-table",
  "-Ccodegen-units=1",
];
const FOLDER = join(ROOT, "target/fuzz");

/** The names of the targets. */
export const TARGETS = readdirSync(join(ROOT, "fuzz/fuzz_targets"))
  .map((file) => file.replace(/\.rs$/, ""))
  .sort();

/** Compiles all targets; resolves to the folder of the programs. */
async function build() {
  await setUpFuzzing();
  const host = /^host: (.*)$/m.exec(output("rustc", ["-vV"]) ?? "")?.[1];
  if (!host) throw new Failure("`rustc -vV` prints no host. Check the Rust installation.");
  // With an explicit target, the flags don't apply to build scripts.
  const args = ["build", "--quiet", "--locked", "--target", host, "--target-dir", FOLDER];
  await must("cargo", [...args, "--manifest-path", "fuzz/Cargo.toml"], {
    env: { RUSTFLAGS: RUSTFLAGS.join(" ") },
  });
  return join(FOLDER, host, "debug");
}

/** The files of the repository that a target starts with, by their paths. */
export function seedsOf(target) {
  const [folders, wanted] = SEEDS[target] ?? [[], /^$/];
  return folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name}`),
    )
    .filter((path) => wanted.test(path) && statSync(join(ROOT, path)).size <= MAX_SEED_BYTES);
}

/** Adds the seeds that a corpus lacks; returns the maximum length of an input. */
function writeSeeds(target, corpus) {
  mkdirSync(corpus, { recursive: true });
  const write = (name, bytes) => existsSync(join(corpus, name)) || writeFileSync(join(corpus, name), bytes);
  for (let i = 0; i < RANDOM_SEEDS; i++) write(`random-${i}`, randomBytes(64 << (i % 6)));
  const files = seedsOf(target).map((path) => [path, readFileSync(join(ROOT, path))]);
  for (const [path, bytes] of files) write(path.replaceAll("/", "-"), Buffer.concat([FILE_PREFIX, bytes]));
  return Math.max(MAX_INPUT_BYTES, ...files.map(([, bytes]) => bytes.length + FILE_PREFIX.length));
}

/** Runs a target once, and adds to its row of the table. */
async function runTarget(programs, row, seconds) {
  const { target } = row;
  const [corpus, artifacts] = ["corpus", "artifacts"].map((kind) => join(FOLDER, kind, target));
  mkdirSync(artifacts, { recursive: true });
  const options = [
    `-max_total_time=${seconds}`,
    `-timeout=${MAX_INPUT_SECONDS}`,
    `-rss_limit_mb=${MAX_MEGABYTES}`,
    `-max_len=${writeSeeds(target, corpus)}`,
    "-len_control=0",
    "-print_final_stats=1",
    `-artifact_prefix=${artifacts}/`,
    corpus,
  ];
  let text = "";
  const code = await run(join(programs, target), options, { onText: (more) => (text += more), show: false });
  const number = (pattern) => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
  row.executions += number(/^stat::number_of_executed_units:\s*(\d+)/gm);
  row.seconds += number(/^Done \d+ runs in (\d+) second/gm) || seconds;
  row.memory = Math.max(row.memory, number(/^largest input: (\d+) bytes/gm));
  row.process = Math.max(row.process, number(/^stat::peak_rss_mb:\s*(\d+)/gm));
  if (code === 0) return;
  const input = /written to (\S+)/.exec(text)?.[1];
  row.found.push(input ?? `exit code ${code}`);
  console.error(text.slice(-4000));
  console.error(`The fuzz target ${target} failed: \`node scripts/fuzz.mjs ${target} ${input ?? ""}\``);
}

/**
 * Runs all targets or one of them, each for `seconds`, or only with `input`. If `executions` is set, repeats
 * this until all together have run that many inputs, or one has failed. Prints a table after each round, and
 * resolves to its rows.
 */
export async function fuzz({ target, input, seconds = SECONDS, executions = 0 } = {}) {
  if (target !== undefined && !TARGETS.includes(target))
    throw new Failure(`There is no target ${target}. The targets are: ${TARGETS.join(", ")}.`);
  const programs = await build();
  if (input !== undefined) return must(join(programs, target), [input]);
  const rows = (target === undefined ? TARGETS : [target]).map((target) => ({
    target,
    executions: 0,
    seconds: 0,
    memory: 0,
    process: 0,
    found: [],
  }));
  const sum = () => rows.reduce((all, row) => all + row.executions, 0);
  do {
    const waiting = [...rows];
    const worker = async () => {
      for (let row = waiting.shift(); row; row = waiting.shift()) await runTarget(programs, row, seconds);
    };
    await Promise.all(Array.from({ length: TOGETHER }, worker));
    console.log(table(rows));
  } while (sum() < executions && rows.every((row) => row.found.length === 0));
  const found = rows.flatMap((row) => row.found);
  if (found.length > 0) throw new Failure(`Fuzzing found ${found.length} failures: ${found.join(", ")}.`);
  return rows;
}

function table(rows) {
  const all = {
    target: "all",
    executions: rows.reduce((sum, row) => sum + row.executions, 0),
    seconds: rows.reduce((sum, row) => sum + row.seconds, 0),
    memory: Math.max(...rows.map((row) => row.memory)),
    process: Math.max(...rows.map((row) => row.process)),
    found: rows.flatMap((row) => row.found),
  };
  const cells = [...rows, all].map((row) => [
    row.target,
    row.executions.toLocaleString("en"),
    Math.round(row.executions / Math.max(row.seconds, 1)).toLocaleString("en"),
    (row.memory / 2 ** 20).toFixed(1),
    String(row.process),
    String(row.found.length),
  ]);
  const head = ["target", "executions", "per second", "input MiB", "process MB", "found"];
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i].length)));
  const line = (row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  return [head, ...cells].map(line).join("\n");
}

await main(import.meta.url, async (args) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { seconds: { type: "string" }, executions: { type: "string" } },
  });
  const number = (name) => {
    if (values[name] === undefined) return undefined;
    const n = Number(values[name].replaceAll("_", ""));
    if (!Number.isInteger(n) || n < 1)
      throw new Failure(`--${name} must be a positive integer, not ${values[name]}.`);
    return n;
  };
  const [target, input] = positionals;
  await fuzz({ target, input, seconds: number("seconds"), executions: number("executions") });
});
