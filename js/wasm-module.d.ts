/** The type of `tabsense/wasm/simd.wasm` if a runtime or bundler imports .wasm files as compiled modules. */
declare const wasm: WebAssembly.Module;
export default wasm;
