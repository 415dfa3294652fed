/** What is to be taught: labels, each with lines of examples, as typed. */

/** The maximum numbers of labels and examples in the tab. */
export const MAX_LABELS = 1_000;
export const MAX_EXAMPLES = 20_000;

/** A text under its label. */
export interface Example {
  text: string;
  label: string;
}

/** A line that doesn't count, because its text is under another label. */
export interface Clash extends Example {
  /** The label that it counts for. */
  other: string;
}

/** The examples that count, and the lines that don't. */
export interface Counted {
  examples: Example[];
  clashes: Clash[];
}

/** Labels by name, in order, with their lines. */
export class Lesson {
  #lines = new Map<string, string[]>();
  #counted: Counted | null = null;

  constructor(examples: Readonly<Record<string, readonly string[]>> = {}) {
    for (const [label, lines] of Object.entries(examples)) this.#lines.set(label, linesOf(lines));
  }

  get labels(): string[] {
    return [...this.#lines.keys()];
  }

  /** The lines of a label. */
  linesOf(label: string): readonly string[] {
    return this.#lines.get(label) ?? [];
  }

  /** The examples without duplicates; a text under two labels counts for the first. */
  get counted(): Counted {
    if (this.#counted) return this.#counted;
    const labelOf = new Map<string, string>();
    const clashes: Clash[] = [];
    for (const [label, lines] of this.#lines) {
      for (const text of lines) {
        const other = labelOf.get(text);
        if (other === undefined) labelOf.set(text, label);
        else if (other !== label) clashes.push({ text, label, other });
      }
    }
    const examples = [...labelOf].map(([text, label]) => ({ text, label }));
    return (this.#counted = { examples, clashes });
  }

  /** How many examples each label has. */
  counts(): Map<string, number> {
    const counts = new Map(this.labels.map((label) => [label, 0]));
    for (const { label } of this.counted.examples) counts.set(label, (counts.get(label) ?? 0) + 1);
    return counts;
  }

  /** Adds a label, unless it exists. */
  addLabel(label: string): void {
    if (this.#lines.has(label)) return;
    this.#lines.set(label, []);
    this.#counted = null;
  }

  /** Removes a label with its examples. */
  removeLabel(label: string): void {
    this.#lines.delete(label);
    this.#counted = null;
  }

  /** Replaces the lines of a label. */
  setLines(label: string, lines: readonly string[]): void {
    this.#lines.set(label, linesOf(lines));
    this.#counted = null;
  }

  /** Makes a text an example of `label`, and of no other. */
  put({ text, label }: Example): void {
    this.drop(text);
    this.setLines(label, [...this.linesOf(label), text]);
  }

  /** Removes a text from all labels. */
  drop(text: string): void {
    for (const [label, lines] of this.#lines) {
      if (lines.includes(text))
        this.#lines.set(
          label,
          lines.filter((line) => line !== text),
        );
    }
    this.#counted = null;
  }

  /** Adds many examples at once. */
  putAll(examples: readonly Example[]): void {
    const added = new Map<string, string[]>();
    for (const { text, label } of examples) {
      const lines = added.get(label) ?? [];
      lines.push(text);
      added.set(label, lines);
    }
    for (const [label, lines] of added) this.setLines(label, [...this.linesOf(label), ...lines]);
  }

  /** The lesson with only the first `count` lines of each label. */
  first(count: number): Lesson {
    return new Lesson(
      Object.fromEntries([...this.#lines].map(([label, lines]) => [label, lines.slice(0, count)])),
    );
  }

  /** The examples by label, as `teach` expects them. */
  toRecord(): Record<string, string[]> {
    const record = new Map(this.labels.map((label): [string, string[]] => [label, []]));
    for (const { text, label } of this.counted.examples) record.get(label)?.push(text);
    return Object.fromEntries(record);
  }
}

/** Lines without surplus blanks, empty lines and repeated lines. */
function linesOf(lines: readonly string[]): string[] {
  const trimmed = lines.map((line) => line.replace(/\s+/g, " ").trim());
  return [...new Set(trimmed)].filter((line) => line !== "");
}
