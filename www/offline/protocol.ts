/** What the page and its service worker say to each other, and what the build tells the worker. */

/**
 * Files by their paths below the page's folder, each with the SHA-256 that its bytes must have, as `fetch`
 * takes it.
 */
export type Digests = Readonly<Record<string, string>>;

/** What there is to store of one build of the page. */
export interface Manifest {
  /** Names the build: the same files, the same version. */
  version: string;
  /** The page's own files; the path of the page itself is empty. */
  page: Digests;
  /**
   * The WebAssembly module of each build variant, of which a browser needs one; and of `rewriter`, which is stored
   * when it is first fetched.
   */
  engines: Readonly<Record<string, Digests>>;
  /** The files of the model that the page opens with. */
  model: Digests;
}

/** What the page asks for: to store what it has loaded, or to make way for the version that is shown. */
export type Message = { type: "keep"; build: string | null; model: boolean } | { type: "take-over" };

/** The answer to `"keep"`. */
export type Kept = { ok: true } | { ok: false; reason: string };
