/** Cells that a spreadsheet would run as formulas, which could send neighbouring cells elsewhere. */

/**
 * Begins like a formula, also with full-width signs, which some spreadsheets accept as well. A lone sign and
 * a plain number are not formulas.
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
