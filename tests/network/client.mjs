// Loads a model and classifies a text through messages to the service, as the package does, but with the
// timeouts of a test. For Node and for pages.

/** How often a download is retried. */
export const RETRIES = 2;
/** The stall timeout, in milliseconds, of loads without a stall: long, because a busy machine has pauses. */
const STALL_TIMEOUT_MS = 20_000;

/** Milliseconds that a service has to end and store its copies; the package waits only one second. */
const DISPOSE_TIMEOUT_MS = 10_000;

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
    reportConfig: false,
  };
}

/** The small files that a repository of this kind of model may have; no others are requested. */
const NAMES = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "vocab.txt",
  "special_tokens_map.json",
  "added_tokens.json",
];

/**
 * Sends `load` to a service, then `text`; resolves to `{ labels, logits }`, or to the error's `{ kind,
 * message }`, once the service has freed everything and stored its copies. `start(onReply)` returns the
 * function that sends; `onBytes` is called with a file's name when bytes of it have been read.
 */
export function loadAndAsk(start, load, text, onBytes = () => {}) {
  return new Promise((resolve) => {
    const outcome = {};
    let limit;
    const end = () => {
      limit = setTimeout(() => resolve(outcome), DISPOSE_TIMEOUT_MS);
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

/**
 * Whether progress of `file` reports bytes of `target`: shards are reported under the name of their index.
 */
export function isProgressOf(target, file) {
  return file === target || (file.endsWith(".index.json") && target.includes("-of-"));
}
