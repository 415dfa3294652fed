// Turns links of the repository's documents into links of the site.

import { BASE } from "./config.mjs";
import { addressOf, pages, targetOf } from "./pages.mjs";

/**
 * A plugin for markdown-it: links from document to document lead to their pages, and images to their copies.
 * Links to files that only the repository has lead into `repository`, or become plain text while that is
 * null.
 */
export function repositoryLinks(markdown, repository) {
  const paths = new Map(pages().map(({ path }) => [`${addressOf(path)}.md`, path]));
  markdown.core.ruler.push("repository_links", ({ tokens, env }) => {
    const from = paths.get(env.relativePath);
    if (from) for (const token of tokens) rewrite([token, ...(token.children ?? [])], from, repository);
  });
}

function rewrite(tokens, from, repository) {
  let plain = false; // within a link that has become text
  for (const token of tokens) {
    if (token.type.startsWith("html_")) token.content = rewriteHtml(token.content, from, repository);
    if (token.type === "link_close" && plain) {
      token.tag = "span";
      plain = false;
    }
    const name = { link_open: "href", image: "src" }[token.type];
    const target = name && targetOf(from, token.attrGet(name));
    if (target?.page) token.attrSet(name, target.page);
    if (target?.image) token.attrSet(name, `/${target.image}`);
    if (!target?.file) continue;
    if (repository) token.attrSet(name, inRepository(repository, target.file));
    else {
      token.tag = "span";
      token.attrs = null;
      plain = true;
    }
  }
}

/** Rewrites HTML within Markdown, in which VitePress doesn't turn links into those of the site. */
export function rewriteHtml(html, from, repository) {
  return html.replace(/\s(href|src|srcset)="([^"]*)"/g, (whole, name, link) => {
    const target = targetOf(from, link);
    if (target === null) return whole;
    const [page, anchor] = target.page?.split("#") ?? [];
    if (page) return ` ${name}="${BASE}${page.slice(1)}.html${anchor ? `#${anchor}` : ""}"`;
    if (target.image) return ` ${name}="/${target.image}"`;
    return repository ? ` ${name}="${inRepository(repository, target.file)}"` : "";
  });
}

const inRepository = (repository, file) => `${repository}/blob/HEAD/${file}`;
