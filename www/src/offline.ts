/**
 * Stores the page so that it opens without a network: the page's side of its service worker, and
 * the content of the caches.
 */

import type { KeepResult, Message } from "../offline/protocol.ts";
import { trustedWorker } from "./trusted.ts";

const OURS = "tabsense"; // the prefix of the names of the page's and the package's caches

/** What has been loaded and should be available without a network. */
export interface Wanted {
  /** The WebAssembly build in use; null while there is none. */
  build: string | null;
  /** Whether the model that the page opens with has been loaded. */
  model: boolean;
}

/** The state of the storing. */
export type Offline =
  | { state: "waiting" | "storing" | "cleared" }
  | { state: "ready"; model: boolean }
  | { state: "unsupported" | "failed"; reason: string };

/** The events that the page shows. */
export interface Events {
  changed(offline: Offline): void;
  /** A newer version of the page is stored and waiting. */
  newer(): void;
}

/** Stored files of one kind. */
export interface Group {
  kind: "page" | "engine" | "model";
  files: number;
  bytes: number;
}

/** What this site stores, and what the browser allows it, in bytes; null if the browser doesn't report it. */
export interface Storage {
  groups: Group[];
  usage: number | null;
  quota: number | null;
}

/** Manages what is stored of the page. */
export interface OfflineStore {
  /** Stores what is in use. After the storage was cleared, only with `again`. */
  keep(wanted: Wanted, again?: boolean): Promise<void>;
  /** Deletes everything that is stored. */
  clear(): Promise<void>;
  /** Another tab has cleared what was stored here. */
  gone(): void;
  /** Reloads the page in its newer version. */
  renew(): void;
}

/** Starts with nothing under way. */
export function startOfflineStore(events: Events): OfflineStore {
  let cleared = false;
  let registration: ServiceWorkerRegistration | null = null;

  /**
   * Requested again each time, which costs nothing if there is a registration: a first one that
   * couldn't store the page is gone.
   */
  async function register(): Promise<ServiceWorkerRegistration> {
    const found = await navigator.serviceWorker.register(trustedWorker("./sw.js"), {
      updateViaCache: "none",
    });
    if (!found) throw new Error("The browser doesn’t allow a service worker here.");
    if (found !== registration) watch(found);
    return (registration = found);
  }

  /** Reports when another version is stored and waits to replace this one. */
  function watch(found: ServiceWorkerRegistration): void {
    const announce = (): void => {
      if (found.waiting && found.active) events.newer();
    };
    found.addEventListener("updatefound", () => found.installing?.addEventListener("statechange", announce));
    announce();
  }

  return {
    async keep({ build, model }, again = false) {
      if (cleared && !again) return;
      cleared = false;
      if (!("serviceWorker" in navigator))
        return events.changed({
          state: "unsupported",
          reason: "Offline use needs HTTPS or localhost, and doesn’t work in a private window.",
        });
      events.changed({ state: "storing" });
      try {
        const worker = await activeOf(await register());
        const kept = await ask(worker, { type: "keep", build, model });
        if (cleared) return;
        events.changed(kept.ok ? { state: "ready", model } : { state: "failed", reason: kept.reason });
      } catch (error) {
        if (!cleared)
          events.changed({ state: "failed", reason: error instanceof Error ? error.message : String(error) });
      }
    },

    async clear() {
      cleared = true;
      registration = null;
      const found = await navigator.serviceWorker?.getRegistration("./");
      await found?.unregister();
      for (const name of await ourCaches()) await caches.delete(name);
      events.changed({ state: "cleared" });
    },

    gone() {
      cleared = true;
      events.changed({ state: "cleared" });
    },

    renew() {
      const waiting = registration?.waiting;
      if (!waiting) return location.reload(); // another tab was faster
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      waiting.postMessage({ type: "take-over" } satisfies Message);
    },
  };
}

/** Adds up the content of the caches. */
export async function readStorage(): Promise<Storage> {
  const groups = new Map<Group["kind"], Group>();
  for (const name of await ourCaches()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      if (request.url.endsWith("tabsense-note")) continue; // the package's note about a copy
      const response = await cache.match(request);
      if (!response) continue;
      const kind = kindOf(request.url);
      const group = groups.get(kind) ?? { kind, files: 0, bytes: 0 };
      group.files += 1;
      group.bytes += await sizeOf(response);
      groups.set(kind, group);
    }
  }
  const { usage = null, quota = null } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
  return { groups: [...groups.values()].sort((a, b) => b.bytes - a.bytes), usage, quota };
}

async function ourCaches(): Promise<string[]> {
  return "caches" in window ? (await caches.keys()).filter((name) => name.startsWith(OURS)) : [];
}

function kindOf(url: string): Group["kind"] {
  const { origin, pathname } = new URL(url);
  if (
    origin !== location.origin ||
    /\/(config\.json|tokenizer\.json|[^/]+\.(safetensors|onnx|bin))$/.test(pathname)
  )
    return "model";
  return pathname.endsWith(".wasm") ? "engine" : "page";
}

/** The `content-length` of a compressed response is not the file's size. */
async function sizeOf(response: Response): Promise<number> {
  const length = response.headers.get("content-length");
  return length !== null && !response.headers.has("content-encoding")
    ? Number(length)
    : (await response.blob()).size;
}

/** The active worker; the first one has to store the page before it activates. */
function activeOf({ active, installing, waiting }: ServiceWorkerRegistration): Promise<ServiceWorker> {
  const coming = installing ?? waiting;
  if (active) return Promise.resolve(active);
  return new Promise((resolve, reject) => {
    const follow = (): void => {
      if (coming?.state === "activated") resolve(coming);
      if (!coming || coming.state === "redundant")
        reject(
          new Error("A file of the page is missing or from another version, or there is not enough storage."),
        );
    };
    coming?.addEventListener("statechange", follow);
    follow();
  });
}

function ask(worker: ServiceWorker, message: Message): Promise<KeepResult> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }: MessageEvent<KeepResult>) => {
      port1.close();
      resolve(data);
    };
    worker.postMessage(message, [port2]);
  });
}
