/** Internet addresses: IPv4 as four numbers, IPv6 (RFC 4291). */

import type { Pattern, Span } from "./types.js";

/** An address has at most 45 characters: a longer run of its characters is not an address. */
const LONGEST = 45;

const RUN = /[0-9a-f:.]+/gi;

/** Text that makes the four numbers after it a version. */
const VERSION = /\b(?:v|ver|version|release|build|firmware)[ .:]{0,2}$/i;

/** Splits the text into runs of the characters of addresses, and reads each. */
export const ip: Pattern = {
  name: "ip",
  label: "IP",
  *find(text): Iterable<Span> {
    for (const { 0: run, index } of text.matchAll(RUN)) {
      // A colon or full stop at an end belongs to the sentence; "::" belongs to the address.
      const lead = /^(?:\.+|:(?!:))/.exec(run)?.[0].length ?? 0;
      const body = run.slice(lead, lead + LONGEST + 2).replace(/(?<!:):$|\.$/, "");
      const [start, end] = [index + lead, index + lead + body.length];
      if (body.length > LONGEST || /[\p{L}\p{N}_-]$/u.test(text.slice(Math.max(0, start - 2), start)))
        continue;
      if (/^[\p{L}\p{N}_-]/u.test(text.slice(end, end + 2))) continue;
      const port = /^([\d.]+):\d{1,5}$/.exec(body)?.[1];
      const address = port ?? body;
      const four = isFour(address) && !VERSION.test(text.slice(Math.max(0, start - 12), start));
      if (four || isSix(address)) yield { start, end: start + address.length };
    }
  },
};

function isFour(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

/**
 * Eight groups, or fewer around one `::`. With only one or two groups, as in `a::b`, one must have three
 * digits or more; `::1` is an exception.
 */
function isSix(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const four = groups.at(-1)?.includes(".") && groups.pop();
  if (four && !isFour(four)) return false;
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  const count = groups.length + (four ? 2 : 0);
  if (halves.length === 1) return count === 8;
  const isDistinctive = count > 2 || text === "::1" || groups.some((group) => group.length > 2);
  return count > 0 && count < 8 && isDistinctive;
}
