// Links of the repository's documents, made into links of the site.

import { addressOf, pages, targetOf } from "./pages.mjs";

/**
 * A plugin of markdown-it: links from document to document lead to their pages, and images to their copies. What the
 * repository alone has is a link into `repository`, or mere text while that is null.
 */
export function repositoryLinks(markdown, repository) {
  const paths = new Map(pages().map(({ path }) => [`${addressOf(path)}.md`, path]));
  markdown.core.ruler.push("repository_links", ({ tokens, env }) => {
    const from = paths.get(env.relativePath);
    if (from) for (const { children } of tokens) if (children) rewrite(children, from, repository);
  });
}

function rewrite(tokens, from, repository) {
  let plain = false; // within a link that has become text
  for (const token of tokens) {
    if (token.type === "link_close" && plain) {
      token.tag = "span";
      plain = false;
    }
    const name = { link_open: "href", image: "src" }[token.type];
    const target = name && targetOf(from, token.attrGet(name));
    if (target?.page) token.attrSet(name, target.page);
    if (target?.image) token.attrSet(name, `/${target.image}`);
    if (!target?.file) continue;
    if (repository) token.attrSet(name, `${repository}/blob/HEAD/${target.file}`);
    else {
      token.tag = "span";
      token.attrs = null;
      plain = true;
    }
  }
}
