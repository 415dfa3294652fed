/**
 * Build step that makes the page's service worker after all other files, because it contains their digests.
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { transformWithEsbuild, type Plugin } from "vite";
import type { Digests, Manifest } from "./protocol.ts";

/**
 * Where the inputs are: the built page, the package's WebAssembly by variant, and the folder of the model
 * with its path on the site.
 */
export interface Places {
  page: string;
  wasm: string;
  model: { folder: string; path: string };
}

const MODEL_FILES = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];

/** Writes sw.js next to the page. */
export function offline({ page, wasm, model }: Places): Plugin {
  return {
    name: "tabsense:offline",
    apply: "build",
    async writeBundle() {
      const names = filesBelow(page).filter((name) => name !== "sw.js");
      const digestOf = (name: string): string => digest(join(page, name));
      const modules = names.filter((name) => name.endsWith(".wasm"));
      const files = {
        page: Object.fromEntries(
          names
            .filter((name) => !modules.includes(name))
            .map((name) => [name === "index.html" ? "" : name, digestOf(name)]),
        ),
        // The bundler chooses the names of the variants' modules, so they are identified by their content.
        engines: Object.fromEntries(
          readdirSync(wasm).map((variant) => [
            variant,
            ofVariant(join(wasm, variant, "tabsense_bg.wasm"), modules, digestOf),
          ]),
        ),
        model: Object.fromEntries(
          MODEL_FILES.map((name) => [`${model.path}${name}`, digest(join(model.folder, name))]),
        ),
      };
      const version = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 12);
      const manifest: Manifest = { version, ...files };
      const source = join(import.meta.dirname, "worker.ts");
      const { code } = await transformWithEsbuild(readFileSync(source, "utf8"), source, {
        target: "es2022",
        minify: true,
        sourcemap: false,
      });
      writeFileSync(join(page, "sw.js"), `const MANIFEST=${JSON.stringify(manifest)};\n${code}`);
    },
  };
}

function ofVariant(path: string, modules: readonly string[], digestOf: (name: string) => string): Digests {
  const wanted = existsSync(path) ? digest(path) : null;
  return Object.fromEntries(
    modules.map((name) => [name, digestOf(name)] as const).filter(([, found]) => found === wanted),
  );
}

function digest(path: string): string {
  return `sha256-${createHash("sha256").update(readFileSync(path)).digest("base64")}`;
}

/** The files below a folder, by their paths in it. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}
