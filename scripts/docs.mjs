// Builds the documents as a site, with the demo page in it, into target/docs: `npm run docs`. A broken link
// fails the build. `--serve` serves it, on the port that `--port` names.

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { build, buildPage } from "./build.mjs";
import { setUpNested } from "./nested.mjs";
import { Failure, main, must, ROOT } from "./run.mjs";
import { serve } from "./serve.mjs";
import { setUpBuild } from "./setup.mjs";
import { brokenLinks } from "./site/check.mjs";
import { BASE, SOURCES } from "./site/config.mjs";
import { IMAGE, pages } from "./site/pages.mjs";

/** VitePress is in this separate project: it is 100 MB, and no test needs it. */
const SITE = "site";
const OUT = join(ROOT, "target/docs");
const PORT = "4174";

const isImage = (path) => statSync(path).isDirectory() || IMAGE.test(path);

/** Puts the pages where VitePress reads them, at their addresses, with their images. */
function copySources() {
  rmSync(SOURCES, { recursive: true, force: true });
  const copy = (from, to) => cpSync(join(ROOT, from), join(SOURCES, to), { recursive: true });
  for (const { path, address } of pages()) copy(path, `${address}.md`);
  copy("site/index.md", "index.md");
  cpSync(join(ROOT, "docs"), join(SOURCES, "public/docs"), { recursive: true, filter: isImage });
  copy("www/public/favicon.svg", "public/favicon.svg");
}

/** Adds the demo page and, in a folder next to it, the models that exist here. */
function addDemo() {
  const demo = join(OUT, "demo");
  cpSync(join(ROOT, "www/dist"), demo, { recursive: true });
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  for (const model of workspaces) {
    const { files } = JSON.parse(readFileSync(join(ROOT, model, "package.json"), "utf8"));
    for (const file of files
      .map((name) => join(model, name))
      .filter((path) => existsSync(join(ROOT, path)))) {
      mkdirSync(dirname(join(demo, file)), { recursive: true });
      cpSync(join(ROOT, file), join(demo, file), { recursive: true });
    }
  }
}

await main(import.meta.url, async (args) => {
  const { values } = parseArgs({
    args,
    options: { serve: { type: "boolean", default: false }, port: { type: "string", default: PORT } },
  });
  await setUpBuild();
  await build();
  await buildPage();
  await setUpNested(SITE);
  copySources();
  await must(
    process.execPath,
    [join(ROOT, SITE, "node_modules/vitepress/bin/vitepress.js"), "build", "--outDir", OUT],
    {
      cwd: join(ROOT, SITE),
    },
  );
  addDemo();
  const broken = brokenLinks(OUT, { base: BASE, except: ["demo/"] });
  if (broken.length > 0) throw new Failure(`The site has broken links:\n${broken.join("\n")}`);
  console.log(`The site is in ${OUT}`);
  if (!values.serve) return;
  const { url } = await serve({ [BASE]: OUT }, { port: Number(values.port), isolated: true });
  console.log(`It is served at ${url}${BASE.slice(1)}  (Ctrl-C ends it)`);
});
