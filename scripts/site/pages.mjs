// Which of the repository's files are pages of the site, at which addresses, and in which part of its
// navigation.

import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { ROOT } from "../run.mjs";
import { markdownFiles } from "./files.mjs";

/** Documents that are only for people who work on the code, and are read there. */
const LEFT_OUT = /^(tests|test_data|js|fuzz|\.github)\//;

/** What pages show besides text. */
export const IMAGE = /\.(png|svg|gif|webp|webm|mp4)$/;

/** The order of pages in their part, where it matters; others follow by their names. */
const ORDER = [
  "README.md",
  "docs/bundlers.md",
  "docs/your-labels.md",
  "docs/personal-data.md",
  "docs/cli.md",
];

/**
 * The navigation: a part's title, and which files it has. A file belongs to the first part that matches it.
 */
const PARTS = [
  ["Use it", /^(README|docs\/(bundlers|your-labels|personal-data|cli|migration))\.md$/],
  ["Reference", /^docs\/(api|browsers|onnx|networks|security)\.md$/],
  ["Recipes", /^docs\/recipes\//],
  ["Examples", /^examples\//],
  ["Models", /^models\//],
  ["How it works", /^docs\/(guide|decisions)\.md$|^docs\/decisions\/README\.md$/],
  ["Decisions", /^docs\/decisions\//],
  ["Measured", /^docs\/benchmarks|^bench\//],
  ["Project", /./],
];

/** Where a Markdown file of the repository is on the site, without an extension: `docs/api.md` is `api`. */
export function addressOf(path) {
  if (path === "README.md") return "introduction";
  if (!path.includes("/")) return `project/${posix.parse(path).name.toLowerCase()}`;
  const { dir, name } = posix.parse(path.replace(/^docs\//, ""));
  return posix.join(dir, name === "README" ? "index" : name.toLowerCase());
}

/** The pages: `{ path, address, title }` of each. */
export function pages() {
  const place = (path) => (ORDER.includes(path) ? ORDER.indexOf(path) : ORDER.length);
  return markdownFiles()
    .filter((path) => !LEFT_OUT.test(path) && !path.startsWith("site/"))
    .sort((a, b) => place(a) - place(b))
    .map((path) => ({ path, address: addressOf(path), title: titleOf(path) }));
}

/** The navigation next to the pages. Parts with many pages are folded. */
export function sidebar(all) {
  const parts = PARTS.map(([text]) => ({ text, items: [] }));
  for (const { path, address, title } of all) {
    const part = PARTS.findIndex(([, takes]) => takes.test(path));
    parts[part].items.push({ text: title, link: `/${address}` });
  }
  return parts
    .filter(({ items }) => items.length > 0)
    .map((part) => (part.items.length > 12 ? { ...part, collapsed: true } : part));
}

/**
 * Where a link of the file `from` leads on the site: `{ page }` or `{ image }`, `{ file }` for a file that
 * only the repository has, null for an address outside of the repository.
 */
export function targetOf(from, link) {
  if (/^([a-z]+:|#)/.test(link)) return null;
  const [to, anchor] = link.split("#");
  const file = posix.join(posix.dirname(from), decodeURI(to)).replace(/\/$/, "");
  if (IMAGE.test(file)) return { image: file };
  const page = [file, `${file}/README.md`].find((path) => path.endsWith(".md") && !LEFT_OUT.test(path));
  const known = page && markdownFiles().includes(page);
  return known ? { page: `/${addressOf(page)}${anchor ? `#${anchor}` : ""}` } : { file };
}

function titleOf(path) {
  const [, title] = /^# (.+)$/m.exec(readFileSync(join(ROOT, path), "utf8")) ?? [null, path];
  return path === "README.md" ? "Introduction" : title.replace(/[`*]|\[([^\]]*)\]\([^)]*\)/g, "$1");
}
