/** The error type: a `kind` from a closed list and a message that says what to do. */

// The same list as in src/error.rs (a test compares them); the last kind is the one that no engine can report
// itself.
/** All kinds of errors. */
export const ERROR_KINDS = [
  "invalid_argument",
  "config_invalid",
  "config_unsupported",
  "tokenizer_invalid",
  "tokenizer_unsupported",
  "weights_header",
  "weights_mismatch",
  "weights_not_finite",
  "weights_length",
  "integrity",
  "network",
  "not_a_model",
  "disposed",
  "out_of_memory",
  "environment",
  "device_lost",
  "webgpu_unusable",
  "not_finite",
  "internal",
  "worker_crashed",
] as const;

/**
 * What went wrong.
 *
 * - `"invalid_argument"`: an argument or an option has the wrong type or value.
 * - `"config_invalid"`: `config.json` is not JSON, lacks a field, or has impossible sizes.
 * - `"config_unsupported"`: `config.json` describes a model that is not supported.
 * - `"tokenizer_invalid"`: `tokenizer.json` can't be read, or its ids don't fit the model.
 * - `"tokenizer_unsupported"`: this type of tokenizer is not supported, or it can't encode pairs.
 * - `"weights_header"`: the header of the weights file can't be read.
 * - `"weights_mismatch"`: the tensors don't match the configuration.
 * - `"weights_not_finite"`: a weight is NaN or infinite.
 * - `"weights_length"`: the weights file is too short or too long.
 * - `"integrity"`: a file's SHA-256 differs from the one in `integrity`.
 * - `"network"`: a file could not be fetched: no connection, or a status other than success.
 * - `"not_a_model"`: a file is not what its name says, such as a web page instead of a model file.
 * - `"disposed"`: `dispose()` was called before or during the call.
 * - `"out_of_memory"`: there is not enough memory for the model or the call.
 * - `"environment"`: the browser or runtime lacks something that the engine needs, or a policy forbids it.
 * - `"device_lost"`: the graphics device was reset, unplugged, or taken by the system.
 * - `"webgpu_unusable"`: the graphics device fails or computes wrong answers.
 * - `"not_finite"`: numbers overflow: a result is NaN or infinite, a weight is too large for the format that
 *   it is converted to, or training overflows.
 * - `"internal"`: a bug of this package.
 * - `"worker_crashed"`: the worker ended without answering; the next call starts another.
 */
export type ErrorKind = (typeof ERROR_KINDS)[number];

/**
 * The error that this package's promises reject with, except for calls that an `AbortSignal` aborts, which
 * reject with the signal's reason.
 */
export class TabsenseError extends Error {
  /** Distinguishes it from other errors, even if it comes from another copy of the package. */
  override readonly name = "TabsenseError";
  /** What went wrong, from the closed list. */
  readonly kind: ErrorKind;

  /**
   * Lets `instanceof` recognize errors from another copy of the package, or from a part that was loaded
   * later.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "TabsenseError";
  }

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** An error in a form that survives `postMessage`, which drops a subclass and its fields. */
export interface PlainError {
  kind: ErrorKind;
  message: string;
}

/**
 * Turns any thrown value into a `TabsenseError`. One without a kind is a bug of this package, such as a trap
 * in the wasm.
 */
export function toError(thrown: unknown): TabsenseError {
  if (thrown instanceof TabsenseError) return thrown;
  if (thrown instanceof Error) {
    const kind = (thrown as { kind?: unknown }).kind;
    if (isKind(kind)) return new TabsenseError(kind, thrown.message, { cause: thrown });
    return new TabsenseError(
      "internal",
      `The engine crashed (${thrown.name}: ${thrown.message}). Load the model again, and please report this.`,
      { cause: thrown },
    );
  }
  return new TabsenseError(
    "internal",
    `The engine crashed (${String(thrown)}). Load the model again, and please report this.`,
    { cause: thrown },
  );
}

/**
 * The error for a worker that crashed; `reason` is what is known about the crash. The caller adds what to do.
 */
export function crashed(reason: string, cause?: unknown): TabsenseError {
  return new TabsenseError("worker_crashed", `The worker crashed (${reason}).`, { cause });
}

/** Whether the wasm instance that threw this is broken for good. */
export function isTrap(thrown: unknown): thrown is WebAssembly.RuntimeError {
  return thrown instanceof WebAssembly.RuntimeError;
}

function isKind(value: unknown): value is ErrorKind {
  return (ERROR_KINDS as readonly unknown[]).includes(value);
}
