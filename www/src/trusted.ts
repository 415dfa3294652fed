/**
 * What this page vouches for under Trusted Types, which its Content-Security-Policy requires: the markup of
 * its tabs, which is a part of its build, its service worker, and the worker that reads files. The package
 * has its own policy for its workers.
 */

import fileReader from "./file/reader.ts?worker&url";

interface Policy {
  createHTML(markup: string): string;
  createScriptURL(url: string): string;
}

const SERVICE_WORKER = "./sw.js";

/** The worker that reads files, by its address in this build. */
export const FILE_READER: string = fileReader;

/**
 * Its trusted values are typed as strings, as in TypeScript's library. Null if the
 * browser has no Trusted Types.
 */
const policy: Policy | null =
  (
    globalThis as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }
  ).trustedTypes?.createPolicy("tabsense-page", {
    createHTML: (markup) => markup,
    createScriptURL(url) {
      if (url !== SERVICE_WORKER && url !== FILE_READER)
        throw new TypeError(`${url} is not a script of this page.`);
      return url;
    },
  }) ?? null;

/** Markup that this page was built with; never text from a person, a file or a model. */
export function trustedMarkup(markup: string): string {
  return policy?.createHTML(markup) ?? markup;
}

/** The address of one of the page's workers. */
export function trustedWorker(url: string): string {
  return policy?.createScriptURL(url) ?? url;
}
