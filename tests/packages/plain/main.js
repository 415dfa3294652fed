// /tabsense/ is the package's dist folder, and models/sentiment-en/ the package tabsense-sentiment-en, as
// they are installed.
import { Classifier } from "/tabsense/index.js";

const classifier = await Classifier.load("sentiment-en");
const [{ label, score }] = await classifier.classify("A delight from start to finish.");
document.querySelector("output").textContent = `${label} ${score.toFixed(3)}`;
