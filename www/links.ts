/**
 * Build step that links to the documentation, the source code and the issues, at the addresses in
 * package.json; a missing address gets no link.
 */

import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const PLACE = "<!-- links -->";

/** The fields of package.json that contain an address, in the forms that npm allows. */
export interface Addresses {
  homepage?: string;
  repository?: string | { url?: string };
  bugs?: string | { url?: string };
}

/** Puts the links in the page. */
export function links(manifest: string): Plugin {
  return {
    name: "tabsense:links",
    transformIndexHtml(html) {
      if (!html.includes(PLACE)) throw new Error(`index.html has no ${PLACE}.`);
      return html.replace(PLACE, linksTo(JSON.parse(readFileSync(manifest, "utf8")) as Addresses));
    },
  };
}

/** The markup of the links; empty if there is no address. */
export function linksTo({ homepage, repository, bugs }: Addresses): string {
  const found = Object.entries({
    Documentation: address(homepage),
    "Source code": address(repository),
    Issues: address(bugs),
  }).flatMap(([name, href]) => (href ? [`<a href="${href}">${name}</a>`] : []));
  return found.length > 0 ? `<nav class="links" aria-label="Project">${found.join(" ")}</nav>` : "";
}

/** What a browser can open, from what npm accepts: "git+https://host/name.git" gives "https://host/name". */
function address(field: string | { url?: string } | undefined): string | null {
  const text = (typeof field === "string" ? field : field?.url)?.replace(/^git\+/, "").replace(/\.git$/, "");
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === "https:" ? url.href.replaceAll("&", "&amp;").replaceAll('"', "&quot;") : null;
}
