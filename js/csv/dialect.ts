/** The dialect of a CSV file: what separates its columns, and what quotes them. */

/** How a file separates and quotes its fields. */
export interface Dialect {
  /** One ASCII character. */
  delimiter: string;
  /** One ASCII character, or null if quotes are ordinary characters. */
  quote: string | null;
}

/** TSV, as text/tab-separated-values defines it: a tab separates fields, and quotes mean nothing. */
export const TSV: Dialect = { delimiter: "\t", quote: null };

/** How much of a file's beginning is enough to find its dialect, in bytes. */
export const SAMPLE_BYTES = 1 << 16;

/** The delimiters that are tried. The first wins ties, and is assumed if none separates anything. */
const DELIMITERS = [",", ";", "\t", "|"] as const;

/** How many records of a sample are examined. */
const MAX_RECORDS = 100;

/** The minimum share of records that must have as many fields as the first. */
const MIN_EQUAL = 0.5;

/**
 * The line `sep=;`, which sets the delimiter for Excel: the delimiter, and the line's length with its break.
 */
export function separatorLine(sample: string): { delimiter: string; length: number } | null {
  const found = /^"?sep=([\x01-\x09\x0b\x0c\x0e-\x7f])"?(?:\r\n|\n|\r|$)/i.exec(sample);
  return found ? { delimiter: found[1]!, length: found[0].length } : null;
}

/**
 * The delimiter with which the first records most often have the same number of fields, at least two; on a
 * tie, the one that gives the most fields. `cut`: the sample ends before the file does.
 */
export function findDelimiter(sample: string, quote: string | null, cut: boolean): string {
  let best: { delimiter: string; equal: number; width: number } | null = null;
  for (const delimiter of DELIMITERS) {
    const widths = widthsOf(sample, { delimiter, quote }, cut);
    const [width = 1, ...others] = widths;
    if (width < 2) continue;
    const equal = others.length === 0 ? 1 : others.filter((one) => one === width).length / others.length;
    if (equal < MIN_EQUAL && delimiter !== DELIMITERS[0]) continue;
    if (!best || equal > best.equal || (equal === best.equal && width > best.width))
      best = { delimiter, equal, width };
  }
  return best?.delimiter ?? DELIMITERS[0];
}

/** The number of fields of each record. A quote opens a field only at its beginning, and is escaped by doubling. */
function widthsOf(sample: string, { delimiter, quote }: Dialect, cut: boolean): number[] {
  const widths: number[] = [];
  let [width, length, quoted, filled] = [1, 0, false, false];
  for (let at = 0; at < sample.length && widths.length < MAX_RECORDS; at++) {
    const character = sample[at]!;
    if (quoted) {
      if (character !== quote) continue;
      if (sample[at + 1] === quote) at++;
      else quoted = false;
    } else if (character === quote && length === 0) {
      quoted = filled = true;
    } else if (character === delimiter) {
      width++;
      length = 0;
      filled = true;
      continue;
    } else if (character === "\n" || character === "\r") {
      if (filled) widths.push(width); // blank lines are not records
      [width, length, filled] = [1, 0, false];
      continue;
    } else {
      filled = true;
    }
    length++;
  }
  // The last record may continue after the sample; the first is needed anyway.
  if (filled && (!cut || widths.length === 0) && widths.length < MAX_RECORDS) widths.push(width);
  return widths;
}
