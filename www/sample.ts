/** Build step that makes the File tab's sample: this project's own labelled sentences, as a CSV file. */

import { readFileSync } from "node:fs";
import { stringify } from "csv-stringify/sync";
import type { Plugin } from "vite";

const NAME = "sample.csv";

/** Makes sample.csv from a file of JSON Lines, for the built page and in development. */
export function sample(sentences: string): Plugin {
  return {
    name: "tabsense:sample",
    configureServer: (server) =>
      void server.middlewares.use(
        `/${NAME}`,
        (_, response) =>
          void response.setHeader("content-type", "text/csv; charset=utf-8").end(csv(sentences)),
      ),
    generateBundle() {
      this.emitFile({ type: "asset", fileName: NAME, source: csv(sentences) });
    },
  };
}

function csv(sentences: string): string {
  const lines = readFileSync(sentences, "utf8").split("\n").filter(Boolean);
  const rows = lines.map((line) => JSON.parse(line) as Record<string, string>);
  return stringify(
    rows.map(({ text, domain, category, label }) => ({ text, domain, category, expected: label })),
    { header: true, record_delimiter: "windows" },
  );
}
