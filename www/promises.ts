/**
 * Build step that puts docs/security.md, what is promised and what isn't, next to the page as a text
 * that every browser shows.
 */

import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const NAME = "security.txt";

/** Makes security.txt from a file, for the built page and in development. */
export function promises(file: string): Plugin {
  return {
    name: "tabsense:promises",
    configureServer: (server) =>
      void server.middlewares.use(
        `/${NAME}`,
        (_, response) =>
          void response.setHeader("content-type", "text/plain; charset=utf-8").end(readFileSync(file)),
      ),
    generateBundle() {
      this.emitFile({ type: "asset", fileName: NAME, source: readFileSync(file, "utf8") });
    },
  };
}
