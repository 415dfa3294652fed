// Checks the built site: each link of a page must lead to a file of the site, and to an existing place in it.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

const LINK = /<(?:a|img|link|script)\b[^>]*?\s(?:href|src)="([^"]*)"/g;
const ID = /\sid="([^"]*)"/g;

/** The broken links of the pages below `folder`, except for those in `except`: `page: link` each. */
export function brokenLinks(folder, { base = "/", except = [] } = {}) {
  const ids = new Map();
  const idsOf = (path) => {
    if (!ids.has(path)) ids.set(path, new Set([...text(path).matchAll(ID)].map(([, id]) => id)));
    return ids.get(path);
  };
  const text = (path) => readFileSync(join(folder, path), "utf8");
  const isRight = (page, link) => {
    const url = new URL(link.replaceAll("&amp;", "&"), `http://site${base}${page}`);
    if (url.host !== "site") return true;
    if (!url.pathname.startsWith(base)) return false;
    let path = decodeURIComponent(url.pathname.slice(base.length));
    if (path === "" || path.endsWith("/")) path += "index.html";
    const full = join(folder, path);
    if (!existsSync(full) || !statSync(full).isFile()) return false;
    return (
      url.hash === "" || !path.endsWith(".html") || idsOf(path).has(decodeURIComponent(url.hash.slice(1)))
    );
  };
  return readdirSync(folder, { recursive: true })
    .map((path) => path.split("\\").join(posix.sep))
    .filter((path) => path.endsWith(".html") && !except.some((start) => path.startsWith(start)))
    .sort()
    .flatMap((page) =>
      [...text(page).matchAll(LINK)]
        .map(([, link]) => link)
        .filter((link) => !isRight(page, link))
        .map((link) => `${page}: ${link}`),
    );
}
