// A project that has the packed package and everything that the documents import: the frameworks come from
// the nested project of these tests.

import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../package/support.mjs";

/** Links the packages of tests/docs, and their dependencies, into a project's node_modules. */
export function linkPackages(project) {
  const modules = join(project, "node_modules");
  for (const from of [join(ROOT, "tests/docs/node_modules"), join(ROOT, "node_modules")]) {
    const names = readdirSync(from)
      .filter((name) => !name.startsWith("."))
      .flatMap((name) =>
        name.startsWith("@") ? readdirSync(join(from, name)).map((part) => `${name}/${part}`) : [name],
      );
    for (const name of names) {
      const link = join(modules, name);
      if (existsSync(link)) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(from, name), link);
    }
    const bin = join(from, ".bin");
    for (const name of existsSync(bin) ? readdirSync(bin) : []) {
      const link = join(modules, ".bin", name);
      mkdirSync(dirname(link), { recursive: true });
      if (!existsSync(link)) symlinkSync(join(bin, name), link);
    }
  }
}
