/** The model of the service: loaded once, shared by all requests, and loaded again if that failed. */

import { HttpError, RETRY_AFTER } from "./errors.mjs";

/** Milliseconds from a failed load to the next attempt: no less than callers are told to wait. */
const PAUSE = RETRY_AFTER * 1000;

/**
 * A model that `load(env, signal)` loads on first use. `env` contains workerd's bindings;
 * `signal` aborts the load.
 *
 * `status()` is `"idle"`, `"loading"`, `"ready"`, `"failed"` or `"stopping"`.
 */
export function createModel(load) {
  let status = "idle";
  let loading = null;
  let failedAt = -Infinity;
  const ended = new AbortController();

  function start(env) {
    status = "loading";
    loading = load(env, ended.signal);
    loading.then(
      () => status === "loading" && (status = "ready"),
      (error) => {
        if (ended.signal.aborted) return;
        console.error("The model could not be loaded:", error);
        if (status === "loading") status = "failed";
        failedAt = performance.now();
        loading = null; // a request after the pause tries again
      },
    );
    return loading;
  }

  return {
    status: () => status,
    /**
     * The classifier. Rejects with a refusal (503) if it can't be loaded, or with the reason of `signal` if that fires
     * first.
     */
    async get(env, signal = null) {
      signal?.throwIfAborted();
      if (status === "stopping")
        throw new HttpError(503, "stopping", "The service is shutting down. Use another instance.");
      const failed = () =>
        new HttpError(503, "model_unavailable", "The model could not be loaded. The service's log says why.");
      if (!loading && performance.now() - failedAt < PAUSE) throw failed();
      const ready = (loading ?? start(env)).catch(() => Promise.reject(failed()));
      if (!signal) return ready;
      let onAbort;
      const aborted = new Promise((_, reject) =>
        signal.addEventListener("abort", (onAbort = () => reject(signal.reason))),
      );
      return Promise.race([ready, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
    },
    /** Refuses requests from now on. */
    stop: () => void (status = "stopping"),
    /** Frees the model, or aborts its loading. */
    async dispose() {
      status = "stopping";
      ended.abort();
      const classifier = await loading?.catch(() => null);
      await classifier?.dispose();
    },
  };
}
