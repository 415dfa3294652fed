/** Checks that the files of one load have the same version, as far as their server says. */

import { FileChanged, type Version } from "./bytes.js";
import { isOther } from "./download.js";
import { freshnessOf, type HeadersOf } from "./freshness.js";

/** The files opened during a load. */
export interface VersionCheck {
  /**
   * Records that a file was opened. Throws {@link FileChanged} if it was opened before as another version.
   */
  opened(url: string, file: OpenedFile): void;
  /** Whether a file came from the network. */
  fetched(): boolean;
  /**
   * Called once all files are read. Weights in several files may have been opened minutes after the others,
   * and the server may have had a new version since then: the files that were opened first are checked again.
   * Throws {@link FileChanged} if one has changed.
   */
  confirm(headersOf: HeadersOf, signal: AbortSignal): Promise<void>;
}

/** A file, and where it came from. */
interface OpenedFile {
  version: Version;
  /** Its length, if known. */
  bytes: number | null;
  fromCopy: boolean;
}

/** Files that were opened within this many milliseconds count as opened at the same time. */
const SAME_TIME = 1000;

/** Starts with nothing opened. */
export function startVersionCheck(): VersionCheck {
  const files = new Map<string, OpenedFile & { at: number }>();
  return {
    opened(url, file) {
      const before = files.get(url);
      if (before && isOther(before.version, file.version))
        throw new FileChanged(`${url} changed while the model was loading`);
      files.set(url, { ...file, at: before?.at ?? performance.now() });
    },
    fetched: () => [...files.values()].some(({ fromCopy }) => !fromCopy),
    async confirm(headersOf, signal) {
      // Copies are of one version; only files fetched besides them may be of another.
      if (!this.fetched()) return;
      const all = [...files];
      const last = Math.max(...all.map(([, { at }]) => at));
      // A server that sends no versions can't be asked.
      const early = all.filter(([, { at, version }]) => last - at > SAME_TIME && hasVersion(version));
      await Promise.all(
        early.map(async ([url, { version, bytes }]) => {
          const known = { url, version, bytes, body: url };
          if ((await freshnessOf(known, headersOf, signal)) === "other")
            throw new FileChanged(`${url} changed while the model was loading`);
        }),
      );
    },
  };
}

function hasVersion({ etag, modified }: Version): boolean {
  return etag !== null || modified !== null;
}
