/** The model of the service: loaded once, shared by all requests, and loaded again after a loading that failed. */

import { Refusal } from "./app.mjs";

/**
 * A model that `load(env, signal)` loads when it is first asked for; `env` are workerd's bindings, and `signal` ends the loading.
 *
 * `status()` is `"idle"`, `"loading"`, `"ready"`, `"failed"` or `"stopping"`.
 */
export function createModel(load) {
  let status = "idle";
  let loading = null;
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
        loading = null; // the next request tries again
      },
    );
    return loading;
  }

  return {
    status: () => status,
    /** The classifier. A refusal with 503 where it can't be had, or not before `signal` fires. */
    async get(env, signal = null) {
      if (status === "stopping") throw new Refusal(503, "stopping", "The service is shutting down. Ask another instance.");
      const late = () => new Refusal(503, "loading", "The model is still being loaded. Ask again later.");
      const failed = () => new Refusal(503, "model_unavailable", "The model could not be loaded. The service's log says why.");
      const wanted = (loading ?? start(env)).catch(() => Promise.reject(failed()));
      if (!signal) return wanted;
      let give;
      const gaveUp = new Promise((_, reject) => signal.addEventListener("abort", (give = () => reject(late()))));
      return Promise.race([wanted, gaveUp]).finally(() => signal.removeEventListener("abort", give));
    },
    /** Refuses what comes from now on. */
    stop: () => void (status = "stopping"),
    /** Frees the model, or ends its loading. */
    async dispose() {
      status = "stopping";
      ended.abort();
      const classifier = await loading?.catch(() => null);
      await classifier?.dispose();
    },
  };
}
