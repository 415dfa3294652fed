/** The same exports as those of the build `simd`. */

export { default } from "../simd/tabsense.js";
export * from "../simd/tabsense.js";
