/** Names of columns. */

/** The names, each once: the second `text` is `text (2)`. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    let own = name;
    for (let count = 2; seen.has(own); count++) {
      own = `${name} (${count})`;
      if (taken.has(own) && !seen.has(own)) seen.add(own); // a column of the file has that name
    }
    seen.add(own);
    return own;
  });
}
