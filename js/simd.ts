/**
 * `tabsense/simd`: the browser's entry with one build, so that a bundler emits one .wasm file and one worker.
 * No threads, no relaxed SIMD.
 */

export * from "./index.js";
