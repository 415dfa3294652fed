/** Workers whose file is on another origin than the page, such as a CDN. */

/**
 * A worker that imports the module `file`, a URL relative to `base`; null if that is on the page's own
 * origin, so that the worker needs no help. Browsers start no worker from another origin, but a worker of the
 * page's own origin may import modules from there if the server allows it (CORS).
 */
export function workerFromElsewhere(file: string, base: string): Worker | null {
  const url = new URL(file, base);
  // Some bundlers insert the path that a module had on the disk where it was built.
  if (!/^https?:$/.test(url.protocol) || url.origin === globalThis.location?.origin) return null;
  const blob = new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" });
  const shim = URL.createObjectURL(blob);
  const worker = new Worker(shim, { type: "module" });
  const revoke = () => URL.revokeObjectURL(shim);
  worker.addEventListener("message", revoke, { once: true });
  worker.addEventListener("error", revoke, { once: true });
  return worker;
}
