/** E-mail addresses as people write them, not all that RFC 5322 allows (no quoted names, no comments). */

import type { Pattern, Span } from "./types.js";

/** RFC 5321, section 4.5.3.1. */
const LONGEST_NAME = 64;
const LONGEST_DOMAIN = 255;

/** The domain after the `@`: labels, and at the end two letters or more. Letters may be of any language. */
const DOMAIN = /^(?:[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,62})\.){1,8}(?:xn--[a-z0-9-]{2,59}|\p{L}{2,63})/iu;

/** Looks at each `@` and a bounded part around it: linear time for any text. */
export const email: Pattern = {
  name: "email",
  label: "EMAIL",
  *find(text): Iterable<Span> {
    let last = 0;
    for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
      const start = startOfName(text, at, last);
      if (start === at) continue;
      const domain = DOMAIN.exec(text.slice(at + 1, at + 1 + LONGEST_DOMAIN))?.[0];
      if (domain === undefined) continue;
      last = at + 1 + domain.length;
      yield { start, end: last };
    }
  },
};

/** Where the name before the `@` begins; `at` if there is none. */
function startOfName(text: string, at: number, minStart: number): number {
  let start = at;
  const first = Math.max(minStart, at - LONGEST_NAME);
  while (start > first && /[\p{L}\p{M}\p{N}._%+'-]/u.test(text[start - 1]!)) start--;
  // Quotes and marks around an address are not part of it.
  while (start < at && /[^\p{L}\p{N}_]/u.test(text[start]!)) start++;
  return text[at - 1] === "." ? at : start;
}
