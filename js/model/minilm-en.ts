/**
 * `tabsense/model/minilm-en`: the encoder that makes vectors of texts, which is a package of its own (`npm install
 * tabsense-minilm-en`).
 */

export { default } from "tabsense-minilm-en";
