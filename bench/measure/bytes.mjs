// What a visitor transfers for a subject: the files that its page requested, raw and compressed.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { ROOT } from "../../scripts/run.mjs";

const CACHE = join(ROOT, "bench/.cache/sizes.json");

/** Code is compressed once, at the highest level; a model as a server does it on the fly. */
const EFFORT = { runtime: { gzip: 9, brotli: 11 }, model: { gzip: 6, brotli: 4 } };

/** The harness's own files don't count. */
const OWN = /\/bench\/(page\.html|agent\.js|probe\.js|implementations\/)/;

/** Sums by kind of file, `{ runtime, model }` of `{ raw, gzip, brotli }`, and the files. */
export async function transferred(urls, fileOf) {
  const known = await readFile(CACHE, "utf8").then(JSON.parse, () => ({}));
  const files = [];
  for (const url of urls.filter((url) => url.startsWith("http") && !OWN.test(url))) {
    const path = fileOf(url);
    const bytes = path && (await readFile(path).catch(() => null));
    if (bytes) files.push({ file: basename(path), ...(await sizes(bytes, path, known)) });
  }
  await mkdir(dirname(CACHE), { recursive: true });
  await writeFile(CACHE, JSON.stringify(known));
  const sum = (kind) =>
    files
      .filter((file) => file.kind === kind)
      .reduce(
        (all, { raw, gzip: zipped, brotli }) => ({
          raw: all.raw + raw,
          gzip: all.gzip + zipped,
          brotli: all.brotli + brotli,
        }),
        { raw: 0, gzip: 0, brotli: 0 },
      );
  return { runtime: sum("runtime"), model: sum("model"), files };
}

async function sizes(bytes, path, known) {
  const kind = /\.(m?js|wasm)$/.test(path) ? "runtime" : "model";
  const effort = EFFORT[kind];
  const key = createHash("sha256").update(JSON.stringify(effort)).update(bytes).digest("hex");
  known[key] ??= {
    raw: bytes.length,
    gzip: (await promisify(gzip)(bytes, { level: effort.gzip })).length,
    brotli: (
      await promisify(brotliCompress)(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: effort.brotli,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      })
    ).length,
  };
  return { kind, ...known[key] };
}
