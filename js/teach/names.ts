/** The words in a label's name. */

/** The texts that represent a label: its name in words, and its description. */
export function textsOf({ name, description }: { name: string; description: string | null }): string[] {
  return [wordsOf(name), ...(description === null ? [] : [description])];
}

/**
 * The words of a name, which may be joined by signs or by capitals: `card_payment`, `Sci/Tech`, `refundRequest`. A
 * name without a letter or digit stays as it is.
 */
export function wordsOf(name: string): string {
  const words = name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .replace(/[^\p{L}\p{N}\p{M}'’&+#-]+|(?<=[\p{L}\p{N}])[-+](?=[\p{L}\p{N}])/gu, " ")
    .trim();
  return words === "" ? name : words;
}
