export default {
  // Pre-bundling would move the packages' modules away from their workers and .wasm files.
  optimizeDeps: { exclude: ["tabsense", "tabsense-sentiment-en"] },
  // The workers are modules.
  worker: { format: "es" },
};
