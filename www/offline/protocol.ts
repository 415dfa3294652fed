/** The messages between the page and its service worker, and the manifest that the build gives the worker. */

/**
 * Files by their paths below the page's folder, each with the SHA-256 that its bytes must have,
 * as `integrity` of `fetch`.
 */
export type Digests = Readonly<Record<string, string>>;

/** The files of one build of the page that can be stored. */
export interface Manifest {
  /** Identifies the build: the same files have the same version. */
  version: string;
  /** The page's own files; the path of the page itself is empty. */
  page: Digests;
  /**
   * The WebAssembly module of each build variant, of which a browser needs one; and of `rewriter` and
   * `teacher`, which are stored when they are first fetched.
   */
  engines: Readonly<Record<string, Digests>>;
  /** The files of the model that the page opens with. */
  model: Digests;
}

/** What the page requests: to store what it has loaded, or that the waiting version takes over. */
export type Message = { type: "keep"; build: string | null; model: boolean } | { type: "take-over" };

/** The answer to `"keep"`. */
export type KeepResult = { ok: true } | { ok: false; reason: string };
