// The features that the package can use and in which browsers differ, detected by trying them.

/** The names of the features, by their keys in the result of `probe`. */
export const FEATURES = {
  simd: "WebAssembly SIMD",
  relaxed: "relaxed SIMD in WebAssembly",
  threads: "shared memory between workers",
  copies: "Cache API",
  streams: "streams that move to a worker",
  iteration: "`for await` over a stream",
  using: "`await using`",
  serviceWorkers: "service workers",
};

/**
 * Runs in a page of the package's site, which must be isolated to detect shared memory: resolves to whether
 * each feature is supported. WebAssembly features are detected with a build of the engine.
 */
export async function probe() {
  const takes = async (build) => {
    const answer = await fetch(`/node_modules/tabsense/dist/wasm/${build}/tabsense_bg.wasm`);
    return WebAssembly.validate(await answer.arrayBuffer());
  };
  const parses = (code) => {
    try {
      new Function(code);
      return true;
    } catch {
      return false;
    }
  };
  const moves = (stream) => {
    try {
      structuredClone(stream, { transfer: [stream] });
      return true;
    } catch {
      return false;
    }
  };
  return {
    simd: await takes("simd"),
    relaxed: await takes("relaxed"),
    threads:
      globalThis.crossOriginIsolated && typeof SharedArrayBuffer === "function" && "waitAsync" in Atomics,
    copies: typeof caches === "object" && Boolean(await caches.open("probe").catch(() => null)),
    streams: moves(new ReadableStream()),
    iteration: Symbol.asyncIterator in ReadableStream.prototype,
    using: parses("async () => { await using nothing = null; }"),
    serviceWorkers: "serviceWorker" in navigator,
  };
}
