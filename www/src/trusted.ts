/**
 * What this page vouches for under Trusted Types, which its Content-Security-Policy requires: the markup of its tabs,
 * which is a part of its build, and its service worker. The package has a policy of its own for its workers.
 */

interface Policy {
  createHTML(markup: string): string;
  createScriptURL(url: string): string;
}

const SERVICE_WORKER = "./sw.js";

/** Its trusted values stand for strings, as TypeScript's library has them. Null where the browser has none. */
const policy: Policy | null =
  (
    globalThis as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }
  ).trustedTypes?.createPolicy("tabsense-page", {
    createHTML: (markup) => markup,
    createScriptURL(url) {
      if (url !== SERVICE_WORKER) throw new TypeError(`${url} is no script of this page.`);
      return url;
    },
  }) ?? null;

/** Markup that this page was built with; never what a person, a file or a model brings. */
export function trustedMarkup(markup: string): string {
  return policy?.createHTML(markup) ?? markup;
}

/** The address of the page's service worker. */
export function trustedWorker(url: typeof SERVICE_WORKER): string {
  return policy?.createScriptURL(url) ?? url;
}
