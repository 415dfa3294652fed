/** Workers whose file is of another origin than the page: the package from a CDN. */

/**
 * A worker that imports the module `file`, whose address is relative to `base`; null where that is of the
 * page's own origin, so that the worker needs no help. Browsers start no worker from another origin, but one
 * of the page's own may import from there, where the server allows it (CORS).
 */
export function workerFromElsewhere(file: string, base: string): Worker | null {
  const url = new URL(file, base);
  // Some bundlers give the address that a module had on the disk of who built it.
  if (!/^https?:$/.test(url.protocol) || url.origin === globalThis.location?.origin) return null;
  const blob = new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" });
  const shim = URL.createObjectURL(blob);
  const worker = new Worker(shim, { type: "module" });
  const revoke = () => URL.revokeObjectURL(shim);
  worker.addEventListener("message", revoke, { once: true });
  worker.addEventListener("error", revoke, { once: true });
  return worker;
}
