/**
 * `tabsense/model/pii-en`: the model that finds personal data, which is a package of its own (`npm install
 * tabsense-pii-en`).
 */

export { default } from "tabsense-pii-en";
