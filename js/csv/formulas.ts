/** Cells that a spreadsheet would run as formulas, which could send neighbouring cells elsewhere. */

/**
 * Begins as a formula does, full-width signs included, which some spreadsheets take as well. A sign alone and a plain
 * number are none.
 */
const FORMULA = /^(?![+-]?(?:\d+\.?\d*|\.\d+)?(?:e[+-]?\d+)?$)[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/i;

/**
 * The cell as text that no spreadsheet runs, with a leading apostrophe if necessary.
 *
 * Source: OWASP, "CSV Injection".
 */
export function withoutFormula(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}
