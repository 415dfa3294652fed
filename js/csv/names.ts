/** Names of columns. */

/** The names, each once: the second `text` is `text (2)`. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  // How often each name has occurred; a file may have a million columns of one name.
  const counts = new Map<string, number>();
  return names.map((name) => {
    let count = (counts.get(name) ?? 0) + 1;
    let own = name;
    if (count > 1) {
      // Another column of the file may have that name.
      for (own = `${name} (${count})`; taken.has(own); own = `${name} (${count})`) count++;
      taken.add(own);
    }
    counts.set(name, count);
    return own;
  });
}
