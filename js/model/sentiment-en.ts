/**
 * `tabsense/model/sentiment-en`: the embedded model, which is a package of its own (`npm install
 * tabsense-sentiment-en`).
 */

export { default } from "tabsense-sentiment-en";
