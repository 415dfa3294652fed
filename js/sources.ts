/** Turns what a caller names as a model into its three files. */

import { TabsenseError } from "./errors.js";
import type { CheckedLoadOptions } from "./options.js";
import type { FileRef } from "./protocol.js";
import { FILES, type FileName, type Model, type ModelFiles, type Source } from "./types.js";

/** A model's name, and where its files are. */
export interface Resolved {
  name: string;
  files: Record<FileName, FileRef>;
}

/** A model on a hub: `org/name`, or `org/name@revision`. */
const HUB_NAME = /^([\w-][\w.-]*)\/([\w-][\w.-]*)(?:@([\w./-]+))?$/;

/** The name of an embedded model. */
const EMBEDDED_NAME = /^\w[\w.-]*$/;

/** Resolves a source to URLs below `base`, or to the files themselves; `embedded` says where a model named without a slash is. */
export function resolveUrls(source: Source, options: CheckedLoadOptions, base: string, embedded: (name: string) => Resolved): Resolved {
  if (typeof source !== "string") return isModel(source) ? { ...fromFiles(source.files, base), name: source.name } : fromFiles(source, base);
  if (/^(https?:\/\/|\.{0,2}\/)/.test(source)) {
    const url = new URL(source, base);
    return fromUrl(url, url.pathname.split("/").filter(Boolean).at(-1) ?? url.host);
  }
  const onHub = fromHub(source, options.hub);
  if (onHub) return onHub;
  if (EMBEDDED_NAME.test(source)) return embedded(source);
  throw unknown(source);
}

/** The error for a string that names no source. */
export function unknown(source: string): TabsenseError {
  return new TabsenseError("invalid_argument", `${JSON.stringify(source)} names no model. Pass an embedded model's name ("sentiment-en"), "org/name" or "org/name@revision" on a model hub, a URL, or the model's files.`);
}

/** The files of a model on a hub, or null where the source isn't named so. */
export function fromHub(source: string, hub: string): Resolved | null {
  const match = HUB_NAME.exec(source);
  if (!match) return null;
  const [, org, name, revision = "main"] = match;
  // A revision may hold slashes ("refs/pr/1"); the hub wants them as one part of the path.
  return fromUrl(new URL(`${hub.replace(/\/+$/, "")}/${org}/${name}/resolve/${encodeURIComponent(revision)}/`), source);
}

/** The files in the folder that a URL names; a query is kept. */
export function fromUrl(base: URL, name: string): Resolved {
  const folder = base.pathname.endsWith("/") ? base.pathname : `${base.pathname}/`;
  return resolved(name, (file) => {
    const url = new URL(base);
    url.pathname = folder + file;
    url.hash = "";
    return { url: url.href };
  });
}

/** The files that were handed over: a record by name, or a list of `File`s as dropped on a page. URLs may be relative to `base`. */
export function fromFiles(source: ModelFiles, base: string): Resolved {
  if (typeof source !== "object" || source === null) {
    throw new TabsenseError("invalid_argument", `A model is named by a string or given as its files, not as ${source === null ? "null" : typeof source}.`);
  }
  const given: Record<string, unknown> = Array.isArray(source) ? Object.fromEntries((source as readonly unknown[]).map((file) => [(file as File | null)?.name, file])) : { ...source };
  const missing = FILES.filter((file) => given[file] === undefined);
  if (missing.length > 0) {
    throw new TabsenseError("invalid_argument", `The model lacks ${missing.join(" and ")}. Give all three files: ${FILES.join(", ")}.`);
  }
  return resolved("files", (file) => fileRef(given[file], file, base));
}

/** A record of the three files. */
export function resolved(name: string, ref: (file: FileName) => FileRef): Resolved {
  return { name, files: Object.fromEntries(FILES.map((file) => [file, ref(file)])) as Record<FileName, FileRef> };
}

function isModel(source: ModelFiles | Model): source is Model {
  return typeof (source as Model | null)?.name === "string" && "files" in source;
}

function fileRef(value: unknown, file: FileName, base: string): FileRef {
  if (value instanceof Blob) return { blob: value };
  if (value instanceof Uint8Array) return { bytes: value };
  if (value instanceof ArrayBuffer) return { bytes: new Uint8Array(value) };
  if (value instanceof URL) {
    // A bundler's URL may be a path that only claims to be absolute.
    const { href } = new URL(value.href, base);
    if (href.startsWith("data:")) return { bytes: dataBytes(href) };
    return href.startsWith("file:") ? { path: href } : { url: href };
  }
  throw new TabsenseError("invalid_argument", `${file} must be a Blob, a Uint8Array, an ArrayBuffer or a URL.`);
}

/** The bytes in a data: URL. Bundlers make small files into such, and a page's policy may not let them be fetched. */
function dataBytes(href: string): Uint8Array {
  const comma = href.indexOf(",");
  const text = decodeURIComponent(href.slice(comma + 1));
  return href.slice(0, comma).endsWith(";base64") ? Uint8Array.from(atob(text), (char) => char.charCodeAt(0)) : new TextEncoder().encode(text);
}
