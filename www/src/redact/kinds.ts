/**
 * The kinds of personal data, each with its own colour and line, so that colour is never the only difference.
 */

/** A kind and its labels. */
export interface Kind {
  id: string;
  name: string;
  labels: readonly string[];
}

/** Kinds of the labels of pii-en and of the package's patterns. */
export const KINDS: readonly Kind[] = [
  { id: "person", name: "people", labels: ["GIVEN_NAME", "SURNAME"] },
  { id: "contact", name: "contact details", labels: ["EMAIL", "PHONE", "URL", "IP"] },
  {
    id: "place",
    name: "places",
    labels: ["BUILDING_NUMBER", "STREET_NAME", "SECONDARY_ADDRESS", "CITY", "STATE", "ZIP_CODE"],
  },
  { id: "money", name: "accounts and cards", labels: ["BANK_ACCOUNT", "ROUTING_NUMBER", "IBAN", "CARD"] },
  { id: "document", name: "documents", labels: ["TAX_ID", "GOVERNMENT_ID", "PASSPORT", "DRIVERS_LICENSE"] },
];

/** The kind of a label; "other" for one that is not listed. */
export function kindOf(label: string): string {
  return KINDS.find(({ labels }) => labels.includes(label))?.id ?? "other";
}

/** A label as a person reads it: "given name". */
export function wordsOf(label: string): string {
  return /^(IP|URL|IBAN)$/.test(label) ? label : label.toLowerCase().replaceAll("_", " ");
}

/**
 * The labels of a tagger without the prefixes of its tagging scheme, and those of the patterns, each once.
 */
export function labelsOf(model: readonly string[], patterns: readonly string[]): string[] {
  const plain = model.map((label) => label.replace(/^[BIESLU]-/, "")).filter((label) => label !== "O");
  return [...new Set([...plain, ...patterns])];
}

/** The labels of the package's patterns. */
export const PATTERN_LABELS = ["EMAIL", "IBAN", "CARD", "IP", "URL"] as const;
