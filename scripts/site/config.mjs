// Where the site's pages are put, and the address that the site will have.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../run.mjs";

/** The pages at their addresses, from which VitePress makes the site. */
export const SOURCES = join(ROOT, "site/pages");

const { homepage, repository, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** The path of the site, from the package's `homepage` if it has one. */
export const BASE = homepage ? `${new URL(homepage).pathname.replace(/\/$/, "")}/` : "/";

/** The repository's address for readers; null while package.json has none. */
export const REPOSITORY =
  (repository?.url ?? repository)?.replace(/^git\+/, "").replace(/\.git$/, "") ?? null;

export const VERSION = version;
