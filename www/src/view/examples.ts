/** The example texts, single ones or pairs. */

import { make, part } from "../dom.ts";
import { EXAMPLES, type Example } from "../examples.ts";

/** The examples, as the page uses them. */
export interface ExamplesView {
  /** Offers the pairs or the single texts, and marks the one that is in the boxes. */
  follow(pairs: boolean, text: string, pair: string): void;
}

/** Makes the buttons; `write` is called with the example that is pressed. */
export function wireExamples(write: (example: Example) => void): ExamplesView {
  const buttons = EXAMPLES.map((example) => {
    const button = make("button", "example", example.name);
    button.type = "button";
    button.addEventListener("click", () => write(example));
    return { button, example };
  });
  part("examples", HTMLElement).append(...buttons.map(({ button }) => button));
  return {
    follow: (pairs, text, pair) => {
      for (const { button, example } of buttons) {
        button.hidden = pairs === (example.pair === undefined);
        button.setAttribute(
          "aria-pressed",
          String(example.text === text && (example.pair === undefined || example.pair === pair)),
        );
      }
    },
  };
}
