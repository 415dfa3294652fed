/** A model that is fetched on demand: one holder per model, shared by the tabs that use it. */

import type { ModelOptions, Progress } from "tabsense";
import type { OwnModel } from "./own-models.ts";

/** The state of a model. */
export type LoadState<Model> =
  | { state: "absent" }
  | { state: "loading"; progress: Progress | null }
  | { state: "ready"; model: Model }
  | { state: "failed"; error: unknown };

/** Loads a model by its name. */
type Load<Model> = (name: string, options: ModelOptions) => Promise<Model>;

/** Holds a model from its first load until the page is closed. */
export class OnDemand<Model extends { dispose(): Promise<void> }> {
  #state: LoadState<Model> = { state: "absent" };
  #abort: AbortController | null = null;
  readonly #followers: ((state: LoadState<Model>) => void)[] = [];

  constructor(
    readonly own: OwnModel,
    private readonly load: Load<Model>,
  ) {}

  /** The model; null while it isn't loaded. */
  get model(): Model | null {
    return this.#state.state === "ready" ? this.#state.model : null;
  }

  /** Calls `follower` at once, and on each change. */
  follow(follower: (state: LoadState<Model>) => void): void {
    this.#followers.push(follower);
    follower(this.#state);
  }

  /** Loads the model, unless it is loaded or loading. */
  async start(): Promise<void> {
    if (this.#state.state === "ready" || this.#abort) return;
    const abort = (this.#abort = new AbortController());
    this.#set({ state: "loading", progress: null });
    try {
      const model = await this.load(this.own.name, {
        models: new URL("models/", document.baseURI).href,
        signal: abort.signal,
        onProgress: (progress) => {
          if (this.#abort === abort) this.#set({ state: "loading", progress });
        },
      });
      if (this.#abort !== abort) return void (await model.dispose()); // it arrived just after its cancellation
      this.#abort = null;
      this.#set({ state: "ready", model });
    } catch (error) {
      if (this.#abort !== abort) return;
      this.#abort = null;
      this.#set({ state: "failed", error });
    }
  }

  /** Cancels the load. */
  cancel(): void {
    if (!this.#abort) return;
    this.#abort.abort();
    this.#abort = null;
    this.#set({ state: "absent" });
  }

  #set(state: LoadState<Model>): void {
    this.#state = state;
    for (const follower of this.#followers) follower(state);
  }
}
