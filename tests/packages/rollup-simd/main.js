import { Classifier } from "tabsense/simd";

const classifier = await Classifier.load("sentiment-en", { models: "dist/models/" });
const [{ label, score }] = await classifier.classify("A delight from start to finish.");
document.querySelector("output").textContent = `${label} ${score.toFixed(3)}`;
