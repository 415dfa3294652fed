/**
 * Workers under Trusted Types: a page with `require-trusted-types-for 'script'` starts a worker only from an
 * address that one of its policies vouches for. This package's policy is called `tabsense`.
 */

/**
 * The part that TypeScript's library lacks. Trusted URLs are typed as strings, as constructors accept them.
 */
interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}

type Policy = Pick<Parameters<PolicyFactory["createPolicy"]>[1], "createScriptURL">;

/** Undefined until a worker is started: importing the package makes none. Null where there can be none. */
let policy: Policy | null | undefined;

/**
 * Runs `start`, in which `new Worker` vouches for the address that it is given: one of this package's own.
 *
 * Bundlers find a worker's file by the expression `new Worker(new URL("…", import.meta.url))` alone, whose
 * address nothing may wrap. So it is the constructor that is wrapped, for as long as `start` runs.
 */
export function trusted(start: () => Worker): Worker {
  if (policy === undefined) policy = makePolicy();
  const { Worker: Plain } = globalThis;
  const vouching = (_: unknown, [url, options]: [string | URL, WorkerOptions?]) =>
    new Plain(policy!.createScriptURL(String(url)), options);
  // Where globals are frozen, nothing is set.
  if (!policy || !Reflect.set(globalThis, "Worker", new Proxy(Plain, { construct: vouching })))
    return start();
  try {
    return start();
  } finally {
    globalThis.Worker = Plain;
  }
}

function makePolicy(): Policy | null {
  const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };
  try {
    return trustedTypes?.createPolicy("tabsense", { createScriptURL: (url) => url }) ?? null;
  } catch {
    return null; // the page's policy names others: where it requires trust, no worker starts
  }
}
