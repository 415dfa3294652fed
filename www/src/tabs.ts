/**
 * The page's tabs: chosen by pointer, by keyboard or by the address, each with a panel that keeps its state.
 */

import { find } from "./dom.ts";

const FIRST = "classify"; // the tab of an address without a hash

/** What the page does when a tab is chosen. */
type Opened = (name: string) => void;

/**
 * Wires the tab list. Each tab names its panel in `aria-controls`, and itself in `data-tab`, which is
 * also its hash in the address. `opened` is called with the name of each tab when it is shown,
 * including the first one.
 */
export function wireTabs(opened: Opened): void {
  const list = find('[role="tablist"]', HTMLElement);
  const tabs = [...list.querySelectorAll<HTMLButtonElement>('[role="tab"]')];
  const nameOf = (tab: HTMLButtonElement): string => tab.dataset.tab ?? FIRST;

  const select = (chosen: HTMLButtonElement): void => {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      find(`#${tab.getAttribute("aria-controls")}`, HTMLElement).hidden = !selected;
    }
    opened(nameOf(chosen));
  };

  const choose = (tab: HTMLButtonElement): void => {
    if (tab.getAttribute("aria-selected") === "true") return;
    const hash = nameOf(tab) === FIRST ? "" : `#${nameOf(tab)}`;
    // Replaced, not pushed: moving through the tabs with the arrow keys must not fill the history.
    history.replaceState(null, "", location.pathname + location.search + hash);
    select(tab);
  };

  const follow = (): void => {
    const named =
      tabs.find((tab) => location.hash === `#${nameOf(tab)}`) ?? tabs.find((tab) => nameOf(tab) === FIRST);
    if (named) select(named);
  };

  list.addEventListener("click", (event) => {
    const tab = tabs.find((one) => event.target instanceof Node && one.contains(event.target));
    if (tab) choose(tab);
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement as HTMLButtonElement);
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const steps: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 };
    const step = steps[event.key];
    const next = step === undefined ? undefined : tabs.at(step % tabs.length);
    if (!next) return;
    event.preventDefault();
    next.focus();
    choose(next);
  });
  window.addEventListener("hashchange", follow);
  follow();
}

/**
 * A function that fetches a tab's code when the tab is first opened. If that fails, `wait` says so: a browser
 * doesn't ask for the styles of a failed import again, so only a reload helps.
 */
export function once(wait: HTMLElement, fetched: () => Promise<void>): () => Promise<void> {
  let opening: Promise<void> | null = null;
  return () =>
    (opening ??= fetched().then(
      () => void (wait.hidden = true),
      (error: unknown) =>
        void (wait.textContent = `This tab could not be loaded (${String(error)}). Check the network, then reload the page.`),
    ));
}
