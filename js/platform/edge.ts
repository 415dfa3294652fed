/**
 * The edge platform: no worker, models by URL or in memory, an imported wasm module.
 */

import type { Platform } from "../client/channel.js";
import { TabsenseError } from "../api/errors.js";
import { answersWithFile } from "./answers.js";
import type { CachedFile } from "../api/types.js";
import type { ServiceHost } from "../worker/loading.js";
import { fromUrl, resolveUrls } from "../files/sources.js";

const host: ServiceHost = {
  async compileWasm(name) {
    if (name === "rewriter" || name === "teacher")
      throw new TabsenseError("environment", "Edge runtimes cannot compile WebAssembly.");
    throw new TabsenseError(
      "environment",
      'Edge runtimes cannot compile WebAssembly. Import the module and pass it: `import wasm from "tabsense/wasm/simd.wasm"`, then `Classifier.load(source, { wasm })`.',
    );
  },
  processors: () => null,
  startHelper: null,
  cache: null,
  listFolder: async () => null,
  async openPath(path) {
    throw new TabsenseError(
      "invalid_argument",
      `Edge runtimes can't open a folder (${path}). Pass a URL, or the files themselves.`,
    );
  },
  noWebGpu: "Edge runtimes have no WebGPU.",
};

/** Always empty: edge runtimes cache no files. */
export async function listCachedFiles(): Promise<CachedFile[]> {
  return [];
}

/** Does nothing: edge runtimes cache no files. */
export async function clearCachedFiles(_prefix?: string): Promise<void> {}

/** Whether the folder at an absolute URL has a model. */
export async function hasModel(folder: string): Promise<boolean> {
  return URL.canParse(folder) && answersWithFile(new URL("config.json", folder));
}

/** The platform for an edge runtime. */
export const edge: Platform = {
  host,
  startWorker() {
    throw new TabsenseError("environment", "Edge runtimes have no workers. Remove the option `worker`.");
  },
  async resolve(source, options) {
    // Without a page, no path can be relative.
    if (typeof source === "string" && /^\.{0,2}\//.test(source)) throw absolute(JSON.stringify(source));
    return resolveUrls(source, options, "file:///", (name) => {
      const { models } = options;
      if (models === null || !URL.canParse(models))
        throw absolute(`${JSON.stringify(name)} without \`models\` as an absolute URL`);
      return fromUrl(new URL(name, models.endsWith("/") ? models : `${models}/`), name);
    });
  },
  locate(wasm) {
    throw new TabsenseError(
      "environment",
      `Edge runtimes cannot compile WebAssembly (${wasm}). Pass the imported module as the option \`wasm\`, not its URL.`,
    );
  },
};

function absolute(what: string): TabsenseError {
  return new TabsenseError(
    "invalid_argument",
    `Edge runtimes have no page that ${what} could be relative to. Pass an absolute URL, a model on a hub, or the model's files.`,
  );
}
