// The page's modules without the page.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";
import { build, transformWithEsbuild } from "vite";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A module that imports nothing but types. */
export async function load(name) {
  const path = join(ROOT, "www/src", name);
  const { code } = await transformWithEsbuild(readFileSync(path, "utf8"), path, {
    target: "es2022",
    sourcemap: false,
  });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** Resolves the addresses of workers, which these tests never start. */
const workers = {
  name: "addresses of workers",
  enforce: "pre",
  load: (id) => (id.endsWith("?worker&url") ? 'export default "./worker.js";' : null),
};

/** A module with its imports, except for the workers. */
export async function bundled(name) {
  const { output } = await build({
    root: ROOT,
    configFile: false,
    logLevel: "silent",
    plugins: [workers],
    build: { write: false, lib: { entry: join(ROOT, "www/src", name), formats: ["es"] } },
  }).then(([one]) => one);
  return import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
}

/** A module with its imports, using the libraries' builds for Node instead of those for browsers. */
export async function bundledForNode(name) {
  const { outputFiles } = await bundle({
    entryPoints: [join(ROOT, "www/src", name)],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
  });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}
