/**
 * `tabsense/model/sentiment-en-1`: the first generation of the embedded model, which has two labels, a
 * separate package (`npm install tabsense-sentiment-en-1`).
 */

export { default } from "tabsense-sentiment-en-1";
