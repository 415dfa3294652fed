/** Recognizes files that aren't UTF-8 text by their first bytes. */

/** The encodings of files that can be read, by their names in `TextDecoder`. */
export const ENCODINGS = ["utf-8", "utf-16le", "utf-16be", "windows-1252"] as const;

/** An encoding. */
export type Encoding = (typeof ENCODINGS)[number];

const SIGNATURES: readonly (readonly [string, readonly number[]])[] = [
  [
    "a workbook or a zip archive, not text. Export the sheet as CSV, or unpack the archive",
    [0x50, 0x4b, 3, 4],
  ],
  ["an old Excel workbook, not text. Export the sheet as CSV", [0xd0, 0xcf, 0x11, 0xe0]],
  ["compressed with gzip. Decompress it first", [0x1f, 0x8b]],
  ["compressed with Zstandard. Decompress it first", [0x28, 0xb5, 0x2f, 0xfd]],
  ["a PDF document, not text. Save its text first", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["a Parquet file, not text. Export it as CSV or JSON Lines", [0x50, 0x41, 0x52, 0x31]],
];

/** A web page in place of a file: a server sends one if it requires a login or lacks the file. */
const WEB_PAGE = /^\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b/i;

/** The encoding of a byte order mark, or null. */
export function markedEncoding(head: Uint8Array): Encoding | null {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? "utf-8" : null;
}

/**
 * What a file is instead of text in UTF-8, Windows-1252 or another extension of ASCII, and what to do: the
 * end of a sentence that begins with its name and "is". Null if nothing indicates that it isn't text. `head`:
 * its first bytes, without a byte order mark.
 */
export function notText(head: Uint8Array): string | null {
  for (const [what, signature] of SIGNATURES)
    if (signature.every((byte, at) => head[at] === byte)) return what;
  if (head.includes(0)) {
    // In UTF-16, each Latin letter has a zero byte.
    return looksLikeUtf16(head)
      ? "not a text file in UTF-8: it looks like UTF-16 without a byte order mark. Save it as UTF-8"
      : "not a text file: it has NUL characters";
  }
  return WEB_PAGE.test(latin1(head.subarray(0, 1024)))
    ? "a web page (HTML), not the file itself. Download the file again; its address may need a login"
    : null;
}

/** Bytes as text, one character each: enough to examine ASCII. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

function looksLikeUtf16(head: Uint8Array): boolean {
  const some = head.subarray(0, 256);
  const zeros = [0, 0];
  some.forEach((byte, at) => {
    if (byte === 0) zeros[at % 2]!++;
  });
  return Math.max(...zeros) >= some.length / 4 && Math.min(...zeros) <= some.length / 50;
}
