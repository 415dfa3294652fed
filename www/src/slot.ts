/** Holds the one model in use: loads the next one alongside it, and swaps when that is ready. */

import { Classifier, type Device, type LoadOptions, type Progress } from "tabsense";
import { DEFAULT_MODEL } from "./catalogue.ts";

/** What to load, a name, an address, or files dropped on the page, and where to compute. */
export interface Request {
  source: string | readonly File[];
  device: Device;
  dtype: NonNullable<LoadOptions["dtype"]>;
}

/** What the page shows of a load. */
export interface Events {
  started(request: Request): void;
  progress(progress: Progress): void;
  /** The new model is in use; the one before is gone. */
  ready(classifier: Classifier): void;
  /** The load failed; the model before, if any, is still in use. */
  failed(error: unknown, request: Request): void;
  /** The load was cancelled; the model before, if any, is still in use. */
  cancelled(): void;
}

/** The display name of what is to be loaded. */
export function nameOf({ source }: Request): string {
  return typeof source === "string" ? source : "the dropped files";
}

/**
 * Loads a model as the whole page does. The page's own model isn't cached by the package: the service worker
 * stores it with the page.
 */
export function loadModel(source: Request["source"], options: LoadOptions): Promise<Classifier> {
  const models = new URL("models/", document.baseURI).href;
  return Classifier.load(source, { ...options, models, cache: source !== DEFAULT_MODEL });
}

/** The model in use, and the request that loaded it. */
export interface Loaded {
  classifier: Classifier;
  request: Request;
}

/** Holds the classifier in use and at most one load under way. */
export class Slot {
  #loaded: Loaded | null = null;
  #abort: AbortController | null = null;

  constructor(private readonly events: Events) {}

  /** The classifier in use. */
  get current(): Classifier | null {
    return this.#loaded?.classifier ?? null;
  }

  /** The classifier in use, with its request. */
  get loaded(): Loaded | null {
    return this.#loaded;
  }

  /** Whether a load is under way. */
  get loading(): boolean {
    return this.#abort !== null;
  }

  /** Loads `request`, replacing a load that is still under way. */
  async load(request: Request): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.events.started(request);
    try {
      const classifier = await loadModel(request.source, {
        device: request.device,
        dtype: request.dtype,
        signal: abort.signal,
        onProgress: (progress) => {
          if (this.#abort === abort) this.events.progress(progress);
        },
      });
      if (this.#abort !== abort) {
        await classifier.dispose(); // it arrived just after its cancellation
        return;
      }
      const before = this.current;
      this.#loaded = { classifier, request };
      this.#abort = null;
      this.events.ready(classifier);
      await before?.dispose();
    } catch (error) {
      if (this.#abort !== abort) return; // cancelled, and already reported
      this.#abort = null;
      this.events.failed(error, request);
    }
  }

  /** Cancels the load under way. */
  cancel(): void {
    if (!this.#abort) return;
    this.#abort.abort();
    this.#abort = null;
    this.events.cancelled();
  }
}
