import { cpSync } from "node:fs";
import resolve from "@rollup/plugin-node-resolve";

const installed = "../node_modules";

export default {
  input: "main.js",
  output: { dir: "dist", format: "es" },
  plugins: [
    resolve({ browser: true }),
    {
      // Rollup does not follow `new URL("…", import.meta.url)`: copy what the package loads that way.
      name: "copy tabsense",
      writeBundle() {
        for (const path of ["worker-simd.js", "wasm/simd", "wasm/rewriter", "wasm/teacher"]) {
          cpSync(`${installed}/tabsense/dist/${path}`, `dist/${path}`, { recursive: true });
        }
        cpSync(`${installed}/tabsense-sentiment-en`, "dist/models/sentiment-en", { recursive: true });
      },
    },
  ],
};
