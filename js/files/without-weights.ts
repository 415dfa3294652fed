/** The error for a model whose weights can't be found: which files there are, and where weights may be. */

import { TabsenseError } from "../api/errors.js";
import type { LoadRequest } from "../client/protocol.js";
import { candidatesOf, type Listing } from "./choice.js";
import type { HeadersOf } from "./freshness.js";
import { pullsWithWeights } from "./listing.js";
import { WITHHELD } from "./withheld.js";

/** Weights in formats that don't load, by their names. */
const FOREIGN = /\.(h5|msgpack|gguf|tflite|ot|pt|pth|ckpt)$|_bnb4\.onnx$/;
/** The maximum number of names in a message. */
const MAX_NAMED = 4;

/**
 * The error if none of the files that may have the requested weights exists. `thrown` is the error for the
 * usual file; null if the caller passed none.
 */
export async function withoutWeights(
  thrown: unknown,
  { weights: wanted, files }: Pick<LoadRequest, "files" | "weights">,
  listing: Listing | null,
  headersOf: HeadersOf,
  signal: AbortSignal,
): Promise<unknown> {
  const error =
    thrown ?? new TabsenseError("invalid_argument", "None of the files has weights that match the options.");
  // A server without CORS doesn't show what it has.
  if (!(error instanceof TabsenseError) || error.cause === WITHHELD) return error;
  const { hub } = files.weights;
  const others = listing ? candidatesOf({ ...wanted, dtype: "auto" }, listing) : [];
  const foreign = listing ? [...listing.keys()].filter((name) => FOREIGN.test(name)) : [];
  const pulls = hub && others.length === 0 ? await pullsWithWeights(hub, wanted, headersOf, signal) : [];
  const advice =
    others.length > 0
      ? `For dtype ${JSON.stringify(wanted.dtype)} there is no file, but ${named(others.map(({ file }) => file))}: use dtype "auto".`
      : pulls.length > 0
        ? `Weights are in a pull request: load ${named(pulls.map((ref) => JSON.stringify(`${nameOf(hub!.api)}@${ref}`)))}.`
        : `Weights are read from model.safetensors, ONNX files (onnx/model.onnx, onnx/model_quantized.onnx, …) and pytorch_model.bin; none of these exists${foreign.length > 0 ? `, and ${named(foreign)} can't be read` : ""}. Use a repository that has one, or write safetensors in Python with save_pretrained.`;
  return new TabsenseError(error.kind, `${error.message} ${advice}`, { cause: error.cause });
}

function named(names: readonly string[]): string {
  const listed = names.slice(0, MAX_NAMED);
  const more = names.length - listed.length;
  return more > 0 ? `${listed.join(", ")} and ${more} more` : listed.join(" or ");
}

/** `org/name` */
function nameOf(api: string): string {
  return api.split("/").slice(-2).join("/");
}
