/**
 * `tabsense/model/sentiment-en`: the embedded model, a separate package (`npm install
 * tabsense-sentiment-en`).
 */

export { default } from "tabsense-sentiment-en";
