/**
 * The first rows of a file, before they are classified: enough to see whether the column is the right one.
 */

import { make } from "../dom.ts";
import { textOf, type Table } from "./table.ts";

const ROWS = 5;
const COLUMNS = 12;
const CHARACTERS = 120;

/** Shows the first rows in `element`; the column `chosen` comes first and stands out. */
export function showPreview(element: HTMLTableElement, { columns, rows }: Table, chosen: number): void {
  const places = [chosen, ...columns.keys()]
    .filter((at, index, all) => all.indexOf(at) === index)
    .slice(0, COLUMNS);
  const line = (cells: readonly string[], name: "th" | "td"): HTMLTableRowElement => {
    const row = make("tr");
    cells.forEach((text, index) => {
      const cell = make(
        name,
        index === 0 ? "lead" : "",
        text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)}…` : text,
      );
      if (name === "th") cell.setAttribute("scope", "col");
      row.append(cell);
    });
    return row;
  };
  const [head, body] = [make("thead"), make("tbody")];
  head.append(
    line(
      places.map((at) => columns[at] ?? ""),
      "th",
    ),
  );
  body.append(
    ...rows.slice(0, ROWS).map((row) =>
      line(
        places.map((at) => textOf(row[at])),
        "td",
      ),
    ),
  );
  element.replaceChildren(head, body);
}
