/**
 * Workers under Trusted Types: a page with `require-trusted-types-for 'script'` starts a worker only from a
 * URL that one of its policies has approved. This package's policy is called `tabsense`.
 */

/**
 * The part that TypeScript's library lacks. Trusted URLs are typed as strings, as constructors accept them.
 */
interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}

type Policy = Pick<Parameters<PolicyFactory["createPolicy"]>[1], "createScriptURL">;

/**
 * Undefined until a worker is started: importing the package creates no policy. Null if none can be created.
 */
let policy: Policy | null | undefined;

/**
 * Runs `start`, in which `new Worker` marks its URL, one of this package's own, as trusted.
 *
 * Bundlers find a worker's file only by the expression `new Worker(new URL("…", import.meta.url))`, so the
 * URL can't be wrapped. Instead, the constructor is wrapped while `start` runs.
 */
export function trusted(start: () => Worker): Worker {
  if (policy === undefined) policy = makePolicy();
  const { Worker: OriginalWorker } = globalThis;
  const createTrusted = (_: unknown, [url, options]: [string | URL, WorkerOptions?]) =>
    new OriginalWorker(policy!.createScriptURL(String(url)), options);
  // If globals are frozen, the constructor can't be replaced.
  if (!policy || !Reflect.set(globalThis, "Worker", new Proxy(OriginalWorker, { construct: createTrusted })))
    return start();
  try {
    return start();
  } finally {
    globalThis.Worker = OriginalWorker;
  }
}

function makePolicy(): Policy | null {
  const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };
  try {
    return trustedTypes?.createPolicy("tabsense", { createScriptURL: (url) => url }) ?? null;
  } catch {
    return null; // the page allows only other policies: if it requires trusted URLs, no worker starts
  }
}
