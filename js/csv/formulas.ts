/** Cells that a spreadsheet would take for formulas, and compute: they could send what is beside them elsewhere. */

/**
 * Begins as a formula does, full-width signs included, which some spreadsheets take as well. A sign alone and a plain
 * number are none.
 */
const FORMULA = /^(?![+-]?(?:\d+\.?\d*|\.\d+)?(?:e[+-]?\d+)?$)[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/i;

/**
 * The cell as text that no spreadsheet computes, with an apostrophe in front where it needs one.
 *
 * Source: OWASP, "CSV Injection".
 */
export function withoutFormula(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}
