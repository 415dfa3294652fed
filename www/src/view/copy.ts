/** Buttons that copy, and downloads. */

const FEEDBACK_MS = 2_500; // how long a button says what it has done
const REVOKE_AFTER_MS = 10_000; // how long a file is held for its download

/**
 * Makes `button` copy what `text` returns. If the browser forbids it, `shown` is selected, so that
 * the keyboard can copy it.
 */
export function wireCopy(button: HTMLButtonElement, text: () => string, shown: HTMLElement): void {
  const name = button.textContent ?? "";
  let timer = 0;
  const showFeedback = (words: string): void => {
    button.textContent = words;
    clearTimeout(timer);
    timer = window.setTimeout(() => (button.textContent = name), FEEDBACK_MS);
  };
  button.addEventListener("click", () => {
    write(text()).then(
      () => showFeedback("Copied"),
      () => {
        const folded = shown.closest("details");
        if (folded) folded.open = true;
        getSelection()?.selectAllChildren(shown);
        showFeedback("Selected below");
      },
    );
  });
}

/** Rejects without a permission, and on a page without https, where there is no clipboard at all. */
async function write(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
}

/** Downloads `content` as a file. */
export function download(name: string, content: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS);
}
