// Fills the parts of docs/api.md that are made from the types: `npm run docs:api`. An export that has no
// documentation, or is missing on the page, is an error.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headingsOf, referenceOf } from "./api/reference.mjs";
import { setUpNested } from "./nested.mjs";
import { Failure, main, ROOT } from "./run.mjs";

/** typedoc works with TypeScript up to 6; it and its compiler are in this separate project. */
const DOCS_TOOLS = "tests/docs";

/**
 * The page: hand-written prose and, between these two comments, the reference of the types that the first one
 * names.
 */
export const API = join(ROOT, "docs/api.md");
const REGION = /(<!-- types: ([\w, ]+) -->\n)[\s\S]*?(<!-- \/types -->)/g;

/**
 * typedoc's model of the entry points that `options` name: `{ status, output, modules }`; no modules if it
 * failed.
 */
export function readTypes(options = "docs/typedoc.json") {
  const folder = mkdtempSync(join(tmpdir(), "tabsense-types-"));
  try {
    const json = join(folder, "types.json");
    const program = join(ROOT, DOCS_TOOLS, "node_modules/typedoc/bin/typedoc");
    const args = [program, "--options", join(ROOT, options), "--json", json];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
    const modules = status === 0 ? JSON.parse(readFileSync(json, "utf8")).children : [];
    return { status, output: `${stdout}${stderr}`, modules };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `page` with its generated parts brought up to date. */
export async function apiText(page, modules) {
  const { slug } = await import(join(ROOT, DOCS_TOOLS, "node_modules/github-slugger/index.js"));
  const declarations = modules.flatMap(({ children }) => children);
  const names = [...page.matchAll(REGION)].flatMap(([, , list]) => list.split(", "));
  const missing = modules[0].children.map(({ name }) => name).filter((name) => !names.includes(name));
  if (missing.length > 0)
    throw new Failure(`docs/api.md has no section for ${[...new Set(missing)].join(", ")}.`);
  const anchors = new Map(
    names.flatMap((name) => headingsOf(declarations, name)).map((heading) => [heading, slug(heading)]),
  );
  const write = referenceOf(declarations, (name) => anchors.get(name));
  const text = page.replace(
    REGION,
    (_, start, list, end) => `${start}\n${list.split(", ").map(write).join("\n\n")}\n\n${end}`,
  );
  const slugs = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading));
  const twice = slugs.find((one, i) => slugs.indexOf(one) !== i);
  if (twice) throw new Failure(`docs/api.md has two headings with the anchor #${twice}.`);
  return text;
}

await main(import.meta.url, async () => {
  await setUpNested(DOCS_TOOLS);
  const { status, output, modules } = readTypes();
  if (status !== 0) throw new Failure(`${output}\ntypedoc reported the problems above.`);
  writeFileSync(API, await apiText(readFileSync(API, "utf8"), modules));
});
