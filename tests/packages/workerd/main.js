import { Classifier } from "tabsense";
import wasm from "tabsense/wasm/simd.wasm";

let loading = null;

/** Loads the model once, or again where that failed. */
function load(models) {
  loading ??= Classifier.load(`${models}sentiment-en/`, { wasm }).catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

export default {
  /** Answers `/?text=…` with its verdict. The first request loads the model from the site's own files. */
  async fetch(request, env) {
    const text = new URL(request.url).searchParams.get("text") ?? "";
    try {
      const classifier = await load(env.MODELS);
      return Response.json(await classifier.classify(text));
    } catch ({ kind, message }) {
      return Response.json({ kind, message }, { status: 400 });
    }
  },
};
