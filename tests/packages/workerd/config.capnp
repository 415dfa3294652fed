using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "localhost:0", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [
    (name = "main", esModule = embed "dist/main.js"),
    (name = "tabsense/wasm/simd.wasm", wasm = embed "dist/tabsense/wasm/simd.wasm"),
  ],
  compatibilityDate = "2026-01-01",
  bindings = [(name = "MODELS", fromEnvironment = "MODELS")],
);
