#!/usr/bin/env node
// rustc for this crate only, as cargo's RUSTC_WORKSPACE_WRAPPER: adds the flags in TABSENSE_OWN_RUSTFLAGS (as
// in CARGO_ENCODED_RUSTFLAGS) when it compiles for WebAssembly. `cargo rustc -- FLAGS` has no counterpart for
// tests, and cargo's other flags would recompile all dependencies.

import { spawnSync } from "node:child_process";

const [rustc, ...args] = process.argv.slice(2);
const flags = args.includes("wasm32-unknown-unknown") ? process.env.TABSENSE_OWN_RUSTFLAGS.split("\x1f") : [];
// The compiler would warn about cargo's job server, whose descriptors Node does not pass on.
const { CARGO_MAKEFLAGS: _, ...env } = process.env;
const { status } = spawnSync(rustc, [...args, ...flags], { env, stdio: "inherit" });
process.exitCode = status ?? 1;
