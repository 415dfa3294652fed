// A service worker may not import() later: the check bundles this file, as docs/recipes/service-worker.md has
// it.
import { Classifier } from "./tabsense/simd.js";
import { tryAll } from "./addresses.js";
chrome.runtime.onMessage.addListener((message, sender, answer) => {
  tryAll(Classifier, { device: "cpu", worker: false, wasm: "/tabsense/wasm/simd/tabsense_bg.wasm" }).then(
    answer,
    (error) => answer(String(error)),
  );
  return true;
});
