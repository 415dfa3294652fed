import { Classifier } from "tabsense/simd";
import model from "tabsense/model/sentiment-en";

const classifier = await Classifier.load(model);
const [{ label, score }] = await classifier.classify("A delight from start to finish.");
document.querySelector("output").textContent = `${label} ${score.toFixed(3)}`;
