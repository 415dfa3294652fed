/** A program on show, with a button that copies it. */

import { find, make, part } from "../dom.ts";
import { wireCopy } from "./copy.ts";

/** What is highlighted: comments, strings, and keywords. */
const PARTS =
  /(?<comment>\/\/[^\n]*)|(?<string>"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|(?<word>\b(?:import|from|const|for|await|of|return|try|catch|typeof|new)\b)/g;

/** The section `id`, whose code is shown in its `pre`. */
export interface CodeView {
  show(code: string): void;
}

/** Wires the section `id` with its button `id-copy`. */
export function wireCode(id: string): CodeView {
  const section = part(id, HTMLElement);
  const block = find("pre", HTMLElement, section);
  let shown = "";
  wireCopy(part(`${id}-copy`, HTMLButtonElement), () => shown, block);
  return {
    show(code) {
      section.hidden = false;
      if (code === shown) return;
      shown = code;
      block.replaceChildren(...marked(code));
    },
  };
}

function marked(code: string): (string | HTMLElement)[] {
  const pieces: (string | HTMLElement)[] = [];
  let at = 0;
  for (const match of code.matchAll(PARTS)) {
    const kind = Object.keys(match.groups ?? {}).find((name) => match.groups?.[name] !== undefined) ?? "";
    pieces.push(code.slice(at, match.index), make("span", kind, match[0]));
    at = match.index + match[0].length;
  }
  return [...pieces, code.slice(at)];
}
