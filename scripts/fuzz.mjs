// Fuzzes the tokenizers and the weights' readers: `node scripts/fuzz.mjs [TARGET [INPUT]]`. Each target of fuzz/ runs for some time; with an
// input, that alone. `npm run test:long` runs all.

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, main, must, output, ROOT, run } from "./run.mjs";
import { setUpFuzzing } from "./setup.mjs";

/** How long each target runs, in seconds. */
const SECONDS = 120;
/** An input that takes longer is stuck, on a busy machine too. */
const MOST_SECONDS = 30;
/** The most bytes of an input. */
const MOST_BYTES = 4096;
/** Inputs that a corpus begins with: bytes that choose whole files, which small inputs don't grow to in minutes. */
const SEEDS = 64;

/**
 * What cargo-fuzz compiles with, but for the sanitizer of memory, which needs a nightly toolchain: what is
 * fuzzed has no `unsafe`.
 */
const RUSTFLAGS = [
  "-Cpasses=sancov-module",
  "-Cllvm-args=-sanitizer-coverage-level=4",
  "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
  "-Cllvm-args=-sanitizer-coverage-pc-table",
  "-Cllvm-args=-sanitizer-coverage-trace-compares",
  "-Ccodegen-units=1",
];
const FOLDER = join(ROOT, "target/fuzz");

/** Compiles all targets; yields the folder of the programs. */
async function build() {
  await setUpFuzzing();
  const host = /^host: (.*)$/m.exec(output("rustc", ["-vV"]) ?? "")?.[1];
  if (!host) throw new Failure("rustc does not tell its host.");
  // With a target of its own, flags are not those of build scripts.
  const args = ["build", "--quiet", "--locked", "--target", host, "--target-dir", FOLDER];
  await must("cargo", [...args, "--manifest-path", "fuzz/Cargo.toml"], {
    env: { RUSTFLAGS: RUSTFLAGS.join(" ") },
  });
  return join(FOLDER, host, "debug");
}

/** Runs targets, all or one of them, each for `seconds`, or with one input. */
export async function fuzz(name, input, seconds = SECONDS) {
  const targets = readdirSync(join(ROOT, "fuzz/fuzz_targets")).map((file) => file.replace(/\.rs$/, ""));
  if (name !== undefined && !targets.includes(name))
    throw new Failure(`There is no target ${name}: ${targets.join(", ")}.`);
  const programs = await build();
  if (input !== undefined) return must(join(programs, name), [input]);
  for (const target of name === undefined ? targets : [name]) {
    const [corpus, artifacts] = ["corpus", "artifacts"].map((kind) => join(FOLDER, kind, target));
    for (const folder of [corpus, artifacts]) mkdirSync(folder, { recursive: true });
    for (let i = readdirSync(corpus).length; i < SEEDS; i++)
      writeFileSync(join(corpus, `seed-${i}`), randomBytes(64 << (i % 6)));
    let text = "";
    const code = await run(
      join(programs, target),
      [
        `-max_total_time=${seconds}`,
        `-timeout=${MOST_SECONDS}`,
        `-max_len=${MOST_BYTES}`,
        "-len_control=0",
        `-artifact_prefix=${artifacts}/`,
        corpus,
      ],
      { onText: (more) => (text += more), show: false },
    );
    if (code !== 0) {
      console.error(text.slice(-8000));
      throw new Failure(
        `The fuzz target ${target} failed: \`node scripts/fuzz.mjs ${target} INPUT\` runs the input named above once more.`,
      );
    }
    console.log(`fuzz: ${target}: ${/^Done .*$/m.exec(text)?.[0] ?? "done"}`);
  }
}

await main(import.meta.url, ([name, input]) => fuzz(name, input));
