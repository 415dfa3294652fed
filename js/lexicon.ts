/** The lexicon as a file of its own: only what asks for it fetches it. */

export * from "./lexicon/lexicon.js";
