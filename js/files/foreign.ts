/** Recognizes other content that is served in place of a model file, by its first bytes. */

import { TabsenseError } from "../api/errors.js";
import type { CheckedFile } from "./check.js";
import { isIndex, isWeightsFile } from "./choice.js";

/** Enough bytes to recognize a file: saved pages may begin with blank lines. */
export const SNIFF = 512;

/** The cause of the error for a web page. */
export const WEB_PAGE = "a web page";

/** What files of other formats begin with, as Latin-1, and what to do about them. */
const MAGIC: readonly [start: string, what: string, advice: string][] = [
  ["\x1f\x8b", "compressed with gzip", "Serve it with `Content-Encoding: gzip`, or decompress it first."],
  ["GGUF", "a GGUF file", "Export the model as safetensors."],
  ["\x89HDF", "an HDF5 file, as Keras and TensorFlow write them", "Export the model as safetensors."],
  ["\xff\xfe", "text in UTF-16", "Save it as UTF-8."],
  ["\xfe\xff", "text in UTF-16", "Save it as UTF-8."],
];

/** Throws kind `"not_a_model"` for other content in place of the file `name`; `head` is its first bytes. */
export function refuseOtherFiles(head: Uint8Array, name: string): void {
  const start = new TextDecoder().decode(head.subarray(0, SNIFF)).trimStart().toLowerCase();
  if (/^<(!doctype|html|head|body|script|\?xml|!--)/.test(start))
    throw wrongFormat(
      name,
      "a web page, not a model file",
      "Check the address: many servers send one if a file doesn't exist.",
      WEB_PAGE,
    );
  if (start.startsWith("version https://git-lfs"))
    throw wrongFormat(name, "a Git LFS pointer, not the file itself", "Fetch it with `git lfs pull`.");
  const file = name.replace(/[?#].*$/, "");
  if (/\.(json|txt|model)$/.test(file)) refuseWeights(head, name);
  const bytes = String.fromCharCode(...head.subarray(0, 4));
  const other = MAGIC.find(([magic]) => bytes.startsWith(magic));
  if (other) throw wrongFormat(name, other[1], other[2]);
  // No weights format begins like this.
  if (isWeightsFile(file) && !isIndex(file) && /^\{\s*"/.test(start))
    throw wrongFormat(
      name,
      "JSON",
      "Check that it is the weights file: an index of shards is named model.safetensors.index.json.",
    );
}

/** Rejects a PyTorch checkpoint in place of another file. */
function refuseWeights(head: Uint8Array, name: string): void {
  const bytes = String.fromCharCode(...head.subarray(0, 4));
  if (/^(PK\x03\x04|\x80\x02)/.test(bytes))
    throw wrongFormat(
      name,
      bytes.startsWith("PK")
        ? "a zip archive, such as a PyTorch checkpoint"
        : "a PyTorch checkpoint (pickle)",
      "Pass the file of that name; PyTorch weights are named pytorch_model.bin.",
    );
}

/**
 * Rejects a web page sent in place of a missing file, before the file is read. The error's cause is
 * {@link WEB_PAGE}.
 */
export async function refusePage(file: CheckedFile): Promise<CheckedFile> {
  const { opened } = file;
  if (!opened.response?.headers.get("content-type")?.startsWith("text/html")) return file;
  const reader = opened.body.getReader();
  const { done, value } = await reader.read();
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => (done ? controller.close() : controller.enqueue(value)),
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  if (!done) {
    try {
      refuseOtherFiles(value, file.name);
    } catch (thrown) {
      file.writer?.abandon();
      void body.cancel().catch(() => {});
      throw thrown;
    }
  }
  return { ...file, opened: { ...opened, body } };
}

function wrongFormat(name: string, what: string, advice: string, cause?: string): TabsenseError {
  return new TabsenseError("not_a_model", `${name} is ${what}. ${advice}`, { cause });
}

/** The bytes of a text file without the byte order mark that some editors begin it with. */
export function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
