# The service on workerd: `npm run start:workerd`.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "rest", worker = .rest),
    (name = "model", disk = (path = "../../models/sentiment-en")),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "rest")],
);

const rest :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [
    (name = "worker.js", esModule = embed "dist/worker.js"),
    (name = "tabsense/wasm/simd.wasm", wasm = embed "node_modules/tabsense/dist/wasm/simd/tabsense_bg.wasm"),
  ],
  bindings = [(name = "MODEL", service = "model")],
);
