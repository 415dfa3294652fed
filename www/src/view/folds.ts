/** The sections that fold away. Which of them are open is remembered until the browser's tab is closed. */

const KEY = "tabsense-folds";

/** Opens the sections that were open before, and remembers each that is opened or closed. */
export function wireFolds(): void {
  const folds = [...document.querySelectorAll<HTMLDetailsElement>("details[data-fold]")];
  const open = remembered();
  for (const fold of folds) {
    fold.open = open.includes(nameOf(fold));
    fold.addEventListener("toggle", () => remember(folds.filter((one) => one.open).map(nameOf)));
  }
}

function nameOf(fold: HTMLElement): string {
  return fold.dataset.fold ?? "";
}

// A browser that blocks a site's storage throws when it is read.

function remembered(): readonly string[] {
  try {
    return (sessionStorage.getItem(KEY) ?? "").split(" ");
  } catch {
    return [];
  }
}

function remember(names: readonly string[]): void {
  try {
    sessionStorage.setItem(KEY, names.join(" "));
  } catch {
    // The sections still fold.
  }
}
