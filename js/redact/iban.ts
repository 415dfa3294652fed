/** IBANs, by their country's length and their check digits (ISO 13616, ISO 7064 MOD 97-10). */

import type { Pattern, Span } from "./types.js";

/** The number of characters in each country's IBANs: SWIFT's registry, release 99. */
const LENGTHS: Record<string, number> = Object.fromEntries(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 " +
    "EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 " +
    "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 " +
    "NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 " +
    "SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const START = /(?<![\p{L}\p{N}])[a-z]{2}[ \u00a0-]?\d{2}/giu;

/** Reads at most twice 33 characters from each position that looks like the start of an IBAN. */
export const iban: Pattern = {
  name: "iban",
  label: "IBAN",
  *find(text): Iterable<Span> {
    for (const { 0: head, index: start } of text.matchAll(START)) {
      const length = LENGTHS[head.slice(0, 2).toUpperCase()];
      const end = length === undefined ? null : endOf(text, start, length);
      if (end !== null && remainder(text.slice(start, end)) === 1) yield { start, end };
    }
  },
};

/**
 * The end of `count` letters and digits, which single spaces or hyphens may separate; null if the text
 * doesn't match.
 */
function endOf(text: string, start: number, count: number): number | null {
  let seen = 0;
  for (let at = start; at < text.length; at++) {
    if (/[a-z0-9]/i.test(text[at]!)) seen++;
    else if (!/[ \u00a0-]/.test(text[at]!) || /[ \u00a0-]/.test(text[at - 1]!)) return null;
    if (seen === count) return /^[\p{L}\p{N}]/u.test(text.slice(at + 1, at + 3)) ? null : at + 1;
  }
  return null;
}

/** The number that an IBAN is with its first four characters moved to its end, modulo 97. */
function remainder(text: string): number {
  const all = text.replace(/[ \u00a0-]/g, "").toUpperCase();
  let rest = 0;
  for (const char of all.slice(4) + all.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
