/** The part that js/lexicon.ts uses: the library has no types of its own. */

declare module "wink-sentiment" {
  /** `normalizedScore`: from -5 to 5, 0 if no word is known. */
  export default function sentiment(phrase: string): { normalizedScore: number };
}
