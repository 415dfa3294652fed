export default {
  // Its files lie beside its modules, where Vite's pre-bundling would not leave them.
  optimizeDeps: { exclude: ["tabsense", "tabsense-sentiment-en"] },
  // Workers are modules that import modules.
  worker: { format: "es" },
};
