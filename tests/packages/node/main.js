import { Classifier } from "tabsense";

const classifier = await Classifier.load("sentiment-en"); // the package tabsense-sentiment-en, which is installed
const [{ label, score }] = await classifier.classify("A delight from start to finish.");
console.log(`${label} ${score.toFixed(3)}`);
await classifier.dispose();
