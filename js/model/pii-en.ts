/**
 * `tabsense/model/pii-en`: the model that finds personal data, a separate package (`npm install
 * tabsense-pii-en`).
 */

export { default } from "tabsense-pii-en";
