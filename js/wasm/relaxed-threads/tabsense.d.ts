/** The same exports as those of the build `simd-threads`. */

export { default } from "../simd-threads/tabsense.js";
export * from "../simd-threads/tabsense.js";
