/** The chart of the labels: a bar for each, which also selects the rows to show. */

import { make } from "../dom.ts";
import { share, whole } from "../format.ts";
import { SIGNS, valence } from "../view/bars.ts";

/** The labels' chart. */
export interface LabelChart {
  /** Shows how many of `total` rows each group has; `chosen` is the group whose rows are shown. */
  show(counts: ReadonlyMap<string, number>, total: number, chosen: string | null): void;
}

/** Draws into `list`; a press on a bar calls `choose` with its group, a press on the chosen one with null. */
export function labelChart(list: HTMLUListElement, choose: (group: string | null) => void): LabelChart {
  const bars = new Map<string, HTMLButtonElement>();
  return {
    show(counts, total, chosen) {
      for (const [group, button] of bars) {
        if (counts.has(group)) continue;
        button.parentElement?.remove();
        bars.delete(group);
      }
      for (const [group, count] of counts) {
        let button = bars.get(group);
        if (!button) {
          button = bar(group);
          button.addEventListener("click", () =>
            choose(button?.getAttribute("aria-pressed") === "true" ? null : group),
          );
          bars.set(group, button);
          const item = make("li");
          item.append(button);
          list.append(item); // bars keep their places: one that jumps while it grows is hard to press
        }
        const [amount, part] = [...button.querySelectorAll(".count, .share")];
        button.style.setProperty("--share", String(count / total));
        if (amount) amount.textContent = whole(count);
        if (part) part.textContent = share(count, total);
        button.setAttribute("aria-pressed", String(group === chosen));
      }
      list.classList.toggle("choosing", chosen !== null);
    },
  };
}

function bar(group: string): HTMLButtonElement {
  const kind = valence(group);
  const button = make("button", "bar");
  button.type = "button";
  button.dataset.valence = kind;
  button.dataset.group = group;
  const name = make("span", "bar-label", group);
  name.title = group;
  const track = make("span", "track");
  track.append(make("i"));
  button.append(
    make("span", "bar-sign", SIGNS[kind]),
    name,
    track,
    make("span", "count"),
    make("span", "share"),
  );
  return button;
}
