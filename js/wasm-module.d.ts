/** What `tabsense/wasm/simd.wasm` is where a runtime or a bundler imports .wasm files as compiled modules. */
declare const wasm: WebAssembly.Module;
export default wasm;
