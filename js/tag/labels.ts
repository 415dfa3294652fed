/**
 * Labels with a prefix: `B-` begins an entity and `I-` continues it. BIOES and BILOU also have `S-` and `U-`,
 * which begin and end one, and `E-` and `L-`, which continue and end it. Python's pipeline knows only `B-`
 * and `I-`, and treats `E-PER` and `I-PER` as different.
 */

/** What a label means for a token's neighbours. */
export interface Tag {
  /** The label without its prefix. */
  readonly name: string;
  /** Whether it always starts an entity. */
  readonly begins: boolean;
  /** Whether it always ends an entity. */
  readonly ends: boolean;
}

const PREFIX = /^([BIESLU])-(.+)$/su;

/**
 * The tag of each label. `E-`, `L-`, `S-` and `U-` are prefixes only if the model also has `B-` or `I-` with
 * the same name, so that `"E-MAIL"` is a label of its own. A label without a prefix continues the same label.
 */
export function tagsOf(labels: readonly string[]): Tag[] {
  const known = new Set(labels);
  return labels.map((label) => {
    const [, prefix, name] = PREFIX.exec(label) ?? [];
    const inside = prefix === "B" || prefix === "I";
    if (name === undefined || !(inside || known.has(`B-${name}`) || known.has(`I-${name}`)))
      return { name: label, begins: false, ends: false };
    const single = prefix === "S" || prefix === "U";
    return { name, begins: prefix === "B" || single, ends: single || prefix === "E" || prefix === "L" };
  });
}
