/**
 * `tabsense/model/minilm-en`: the encoder that embeds texts, a separate package (`npm install
 * tabsense-minilm-en`).
 */

export { default } from "tabsense-minilm-en";
