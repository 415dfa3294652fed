/**
 * `tabsense/simd`: the browser's entry with one build, so that a bundler emits only one engine and one
 * worker. No threads, no relaxed SIMD.
 */

export * from "./index.js";
