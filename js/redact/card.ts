/**
 * Numbers of payment cards: how they begin, how long they are, and their check digit (ISO/IEC 7812, Luhn).
 */

import type { Pattern, Span } from "./types.js";

/** How numbers begin, and how many digits they have. */
const CARD_NETWORKS: [starts: RegExp, lengths: number[]][] = [
  [/^4/, [13, 16, 19]], // Visa
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]], // Mastercard
  [/^3[47]/, [15]], // American Express
  [/^(?:6011|64[4-9]|65)/, [16, 19]], // Discover
  [/^(?:30[0-5]|309|36|38|39)/, [14, 16, 19]], // Diners Club
  [/^35(?:2[89]|[3-8])/, [16, 19]], // JCB
  [/^62/, [16, 17, 18, 19]], // UnionPay
  [/^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, [12, 13, 14, 15, 16, 17, 18, 19]], // Maestro
];

const LONGEST = 19;

/** A group of digits. */
const DIGITS = /\d+/g;

/**
 * Starting at each group of digits, joins groups to at most 19 digits and takes the longest valid number:
 * linear time for any text.
 */
export const card: Pattern = {
  name: "card",
  label: "CARD",
  *find(text): Iterable<Span> {
    const groups = [...text.matchAll(DIGITS)].map(({ 0: digits, index }) => ({ digits, index }));
    for (let first = 0; first < groups.length; first++) {
      const start = groups[first]!.index;
      if (/[\p{L}_]/u.test(text[start - 1] ?? "")) continue;
      let digits = "";
      let found: { end: number; group: number } | null = null;
      for (let group = first; group < groups.length; group++) {
        const { digits: more, index } = groups[group]!;
        const before = groups[group - 1];
        if (group > first && !/^[ \u00a0.-]$/.test(text.slice(before!.index + before!.digits.length, index)))
          break;
        if (digits.length + more.length > LONGEST) break;
        digits += more;
        const end = index + more.length;
        if (isCard(digits) && !/^[\p{L}_]/u.test(text.slice(end, end + 2))) found = { end, group };
      }
      if (!found) continue;
      yield { start, end: found.end };
      first = found.group;
    }
  },
};

function isCard(digits: string): boolean {
  return (
    CARD_NETWORKS.some(([starts, lengths]) => lengths.includes(digits.length) && starts.test(digits)) &&
    luhn(digits)
  );
}

/** Whether the last digit is the check digit of the others. */
function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const value = Number(digits[digits.length - 1 - i]) * (i % 2 === 0 ? 1 : 2);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}
