/** The error type: a `kind` from a closed list and a message that says what to do. */

/**
 * Every kind: word for word the list of src/error.rs (a test compares them), and last the kind that no
 * engine reports.
 */
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

/** What went wrong. */
export type ErrorKind = (typeof ERROR_KINDS)[number];

/**
 * The error of all rejected promises of this package, except calls that an `AbortSignal` aborts: those
 * reject with the signal's reason.
 */
export class TabsenseError extends Error {
  /** Identifies the error, also from another copy of the package. */
  override readonly name = "TabsenseError";
  /** What went wrong, from the closed list. */
  readonly kind: ErrorKind;

  /** Makes `instanceof` accept errors of another copy of the package, or of a part that was loaded later. */
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
 * Any thrown value as a `TabsenseError`. One without a kind is a bug of this package, such as a trap in the
 * wasm.
 */
export function toError(thrown: unknown): TabsenseError {
  if (thrown instanceof TabsenseError) return thrown;
  if (thrown instanceof Error) {
    const kind = (thrown as { kind?: unknown }).kind;
    if (isKind(kind)) return new TabsenseError(kind, thrown.message, { cause: thrown });
    return new TabsenseError(
      "internal",
      `The engine failed (${thrown.name}: ${thrown.message}). Load the model again, and please report this.`,
      { cause: thrown },
    );
  }
  return new TabsenseError(
    "internal",
    `The engine failed (${String(thrown)}). Load the model again, and please report this.`,
    { cause: thrown },
  );
}

/**
 * The error of a worker that is gone; `reason` is what is known of its end. The caller adds what to do.
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
