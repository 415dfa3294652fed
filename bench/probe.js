// Records what a page, or a worker that imports this first, downloads and compiles. It doesn't change
// results: WebAssembly's functions are called as usual, and only their start and end are recorded.

const compiles = [];
const downloads = [];
const memories = new Set();
const channel = new BroadcastChannel("tabsense-bench");
const inPage = typeof document === "object";

/** Workers to record as well: the script that replaces each, by the path of the original. */
const WATCHED = { "/dist/worker.js": "/bench/implementations/tabsense-worker.js" };

for (const name of ["compile", "compileStreaming", "instantiate", "instantiateStreaming"]) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...args) => {
    const start = now();
    const result = await original(...args);
    const exports = (result.instance ?? result).exports ?? {};
    for (const value of Object.values(exports)) if (value instanceof WebAssembly.Memory) memories.add(value);
    note(compiles, { start, end: now() });
    return result;
  };
}

const { Memory } = WebAssembly;
WebAssembly.Memory = class extends Memory {
  constructor(descriptor) {
    super(descriptor);
    memories.add(this);
  }
};
Object.defineProperty(WebAssembly.Memory, Symbol.hasInstance, { value: (value) => value instanceof Memory });

if (inPage) {
  const { Worker } = globalThis;
  globalThis.Worker = class extends Worker {
    constructor(url, options) {
      super(WATCHED[new URL(url, location.href).pathname] ?? url, options);
    }
  };
}

new PerformanceObserver((list) => {
  for (const { name, startTime, responseEnd } of list.getEntries())
    note(downloads, {
      url: name,
      start: performance.timeOrigin + startTime,
      end: performance.timeOrigin + responseEnd,
    });
}).observe({ type: "resource", buffered: true });

if (inPage) {
  channel.onmessage = ({ data: { kind, entry } }) =>
    void (kind === "compile" ? compiles : downloads).push(entry);
  // What was recorded so far, also by workers, and the bytes of this page's wasm memories.
  window.probe = () => ({
    compiles,
    downloads,
    wasmMemory: [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
  });
}

function note(list, entry) {
  if (inPage) list.push(entry);
  else channel.postMessage({ kind: list === compiles ? "compile" : "download", entry });
}

function now() {
  return performance.timeOrigin + performance.now();
}
