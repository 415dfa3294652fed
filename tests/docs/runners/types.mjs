// Type-checks `ts` and `tsx` blocks against the installed package, all of them in one run of tsc.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../package/support.mjs";
import { declarations } from "../prelude.mjs";

const OPTIONS = [
  "--noEmit",
  "--pretty",
  "false",
  "--strict",
  "--exactOptionalPropertyTypes",
  "--target",
  "es2022",
  "--lib",
  "es2022,esnext.disposable,dom,dom.iterable,dom.asynciterable",
  "--module",
  "esnext",
  "--moduleResolution",
  "bundler",
  "--jsx",
  "react-jsx",
  "--skipLibCheck",
  "--types",
  "node,vite/client",
];

/**
 * Checks blocks in `folder`, inside a project that has the packages that they import. Returns a function from
 * a block to its errors.
 */
export function checkTypes(blocks, { folder, exported }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const names = new Map(
    blocks.map((block) => [
      block,
      `${block.document.replace(/\W+/g, "-")}-${block.line}.${block.language === "tsx" ? "tsx" : "ts"}`,
    ]),
  );
  writeFileSync(join(folder, "prelude.d.ts"), declarations(exported));
  // The export makes every block a module: a script has no top-level await.
  for (const [{ code }, name] of names) writeFileSync(join(folder, name), `${code}\nexport {};\n`);
  const { stdout, error } = spawnSync(
    process.execPath,
    [join(ROOT, "node_modules/.bin/tsc"), ...OPTIONS, "prelude.d.ts", ...names.values()],
    { cwd: folder, encoding: "utf8" },
  );
  if (error) throw error;
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  const others = lines.filter(
    (line) => /error TS/.test(line) && ![...names.values()].some((name) => line.startsWith(`${name}(`)),
  );
  if (others.length > 0) throw new Error(`tsc says of no block:\n${others.join("\n")}`);
  return (block) => lines.filter((line) => line.startsWith(`${names.get(block)}(`));
}
