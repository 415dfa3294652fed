// A service worker can't import() later: the check bundles this file, as in docs/recipes/service-worker.md.
import { Classifier } from "./tabsense/simd.js";
import { tryAll } from "./addresses.js";
chrome.runtime.onMessage.addListener((message, sender, answer) => {
  tryAll(Classifier, { device: "cpu", worker: false, wasm: "/tabsense/wasm/simd/tabsense_bg.wasm" }).then(
    answer,
    (error) => answer(String(error)),
  );
  return true;
});
