// Loads a model and asks it, by messages to the service that holds it: as the package does it, but with the pauses and
// limits of a test. For Node and for pages.

/** How often a download is tried again. */
export const RETRIES = 2;
/** Milliseconds without a byte that a test takes for a fault, where there is none: a busy machine has pauses. */
const STALL_TIMEOUT_MS = 20_000;

/** Milliseconds that a service has to end, so that its copies are stored: the package ends its worker after one second. */
const ENDS = 10_000;

/** The message that loads the model at `url`. */
export function loadMessage(url, { wasm, cache = true, integrity = {}, stallTimeout = STALL_TIMEOUT_MS }) {
  const ref = (name) => ({ url: url + name });
  return {
    type: "load",
    task: "classify",
    pooling: null,
    files: {
      ...Object.fromEntries(NAMES.map((name) => [name, ref(name)])),
      weights: { given: null, hub: null },
    },
    device: "cpu",
    weights: { dtype: "auto", subfolder: "onnx", modelFileName: "model" },
    wasm,
    threads: 1,
    network: { retries: RETRIES, stallTimeout, cache, integrity, headers: null },
    tellConfig: false,
  };
}

/** The small files that a repository may have: of this kind of model, those of any other aren't asked for. */
const NAMES = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "vocab.txt",
  "special_tokens_map.json",
  "added_tokens.json",
];

/**
 * Sends `load` to a service, then `text`; yields `{ labels, logits }`, or the error's `{ kind, message }`, once the
 * service has given everything back and its copies are stored. `start(onReply)` yields the function that sends;
 * `onBytes` hears the name of each file of which bytes have been read.
 */
export function loadAndAsk(start, load, text, onBytes = () => {}) {
  return new Promise((resolve) => {
    const outcome = {};
    let limit;
    const end = () => {
      limit = setTimeout(() => resolve(outcome), ENDS);
      send({ type: "dispose" });
    };
    const call = { texts: [text], progress: false };
    const send = start((reply) => {
      if (reply.type === "progress" && reply.progress.bytes > 0) onBytes(reply.progress.file);
      if (reply.type === "loaded") send({ type: "classify", ...call, top: 0, details: false, empty: false });
      if (reply.type === "answered") {
        const [result] = reply.results;
        if (ArrayBuffer.isView(result)) {
          outcome.logits = [...result];
          return end();
        }
        outcome.labels = result.scores.map(({ label }) => label);
        send({ type: "rows", ...call, cutText: false });
      }
      if (reply.type === "failed") {
        Object.assign(outcome, reply.error);
        end();
      }
      if (reply.type === "disposed") {
        clearTimeout(limit);
        resolve(outcome);
      }
    });
    send(load);
  });
}

/** Whether the progress of `file` tells that bytes of `target` are read: files of weights are told as their index. */
export function tellsOf(target, file) {
  return file === target || (file.endsWith(".index.json") && target.includes("-of-"));
}
