/** Line numbers of places in a stream of bytes. */

const LF = 0x0a;
const CR = 0x0d;

/** Finds the line that a byte is on. Places must be passed in ascending order. */
export interface LineCount {
  add(bytes: Uint8Array): void;
  /** The line of the byte at `place`, from 1. */
  lineOf(place: number): number;
  /** The line of the first byte at or after `place` that doesn't end a line. */
  lineFrom(place: number): number;
}

/** Counts lines that end in a line feed, a carriage return, or both. */
export function startLineCount(): LineCount {
  const chunks: Uint8Array[] = [];
  let [line, read, at, last] = [1, 0, 0, 0];
  /** Reads a byte; returns false if there is none. */
  const step = (): boolean => {
    const bytes = chunks[0];
    if (!bytes) return false;
    const byte = bytes[at++]!;
    if (at === bytes.length) {
      chunks.shift();
      at = 0;
    }
    // A break belongs to the line that it ends.
    if (last === LF || (last === CR && byte !== LF)) line++;
    last = byte;
    read++;
    return true;
  };
  const lineOf = (place: number): number => {
    while (read <= place && step());
    return line;
  };
  return {
    add(bytes) {
      if (bytes.length > 0) chunks.push(bytes);
    },
    lineOf,
    lineFrom(place) {
      lineOf(place);
      while ((last === LF || last === CR) && step());
      return line;
    },
  };
}
