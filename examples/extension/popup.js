import { Classifier } from "./node_modules/tabsense/dist/index.js";
import model from "./node_modules/tabsense-sentiment-en/index.js";

const textarea = document.querySelector("textarea");
const output = document.querySelector("output");
const loading = Classifier.load(model).then((classifier) => classifier.latest());

/** The selection in the tab. Chrome allows no script on its own pages. */
async function selection() {
  const [{ id: tabId }] = await chrome.tabs.query({ active: true, currentWindow: true });
  const func = () => getSelection().toString();
  const [{ result }] = await chrome.scripting.executeScript({ target: { tabId }, func });
  return result;
}

textarea.oninput = async () => {
  try {
    const latest = await loading;
    const scores = await latest(textarea.value);
    if (scores === null) return; // a newer text is being classified
    const [best] = scores;
    output.textContent = best ? `${best.label} ${best.score.toFixed(3)}` : "";
  } catch (error) {
    output.textContent = error.message;
  }
};

textarea.value = await selection().catch(() => "");
textarea.oninput();
