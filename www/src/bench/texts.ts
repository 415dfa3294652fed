/** Texts of exact token counts, made of ordinary words that the model's tokenizer knows. */

import type { Detailed } from "tabsense";

// One sentence that can be repeated for ever; it is cut when the tokens are used up.
const WORDS = (
  "the weather was good and we had a long walk by the sea before dinner with old friends who live in a small white house " +
  "near the water and for the first time in years it was all just as we had left it when the day came to an end"
).split(" ");
const FILLERS = [".", ",", "a", "i", "1", "2"]; // for the remaining tokens, if no word fits
const ATTEMPTS = 8;

/** Resolves to the tokens of some texts, in order. */
export type Tokenize = (
  texts: readonly string[],
) => Promise<readonly Pick<Detailed, "tokens" | "truncated">[]>;

/** A text with the count of its tokens, the special ones included. */
export interface Text {
  tokens: number;
  text: string;
}

/**
 * Makes one text for each of `lengths`, and checks its length with the tokenizer itself.
 *
 * The cost of each word is determined once. If words cost more or less next to others, the budget is
 * corrected by the difference until the count fits. An error names a length for which it never does.
 */
export async function textsOf(lengths: readonly number[], tokenize: Tokenize): Promise<Text[]> {
  const words = [...new Set([...WORDS, ...FILLERS])];
  const costs = new Map<string, number>();
  let special = 0;
  (await tokenize(words)).forEach(({ tokens }, index) => {
    const own = tokens.filter((token) => !token.special);
    special = tokens.length - own.length;
    const known = own.length > 0 && !own.some(({ text }) => /^[[<]unk[\]>]$/i.test(text));
    if (known) costs.set(words[index] ?? "", own.length);
  });

  const texts: Text[] = [];
  for (const length of lengths)
    texts.push({ tokens: length, text: await fit(length, special, costs, tokenize) });
  return texts;
}

async function fit(
  length: number,
  special: number,
  costs: ReadonlyMap<string, number>,
  tokenize: Tokenize,
): Promise<string> {
  let budget = length - special;
  for (let attempt = 0; attempt < ATTEMPTS && budget > 0; attempt += 1) {
    const text = compose(budget, costs);
    const [counted] = text ? await tokenize([text]) : [];
    if (!counted) break;
    if (counted.tokens.length === length && !counted.truncated) return text;
    budget += counted.truncated ? -1 : length - counted.tokens.length;
  }
  throw new Error(
    `No text of exactly ${length} tokens could be made for this model's tokenizer: choose other lengths.`,
  );
}

/** Words for `budget` tokens: the sentence as far as it goes, then whatever fits into the rest. */
function compose(budget: number, costs: ReadonlyMap<string, number>): string {
  const words = WORDS.filter((word) => costs.has(word));
  const chosen: string[] = [];
  let left = budget;
  for (let at = 0; left > 0; at += 1) {
    const next = words.length > 0 ? words[at % words.length] : undefined;
    const fits = next !== undefined && (costs.get(next) ?? Infinity) <= left;
    const word = fits
      ? next
      : [...costs].filter(([, cost]) => cost <= left).sort((a, b) => b[1] - a[1])[0]?.[0];
    if (word === undefined) break;
    chosen.push(word);
    left -= costs.get(word) ?? left;
  }
  return chosen.join(" ");
}
