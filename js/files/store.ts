/** The storage of models' copies: the Cache API in a browser, a folder in Node. */

import type { Version } from "./bytes.js";

/** The body of a file that the model doesn't have. */
export const ABSENT = "";

/** One file of a model that is kept. */
export interface Entry {
  /** Its URL. */
  url: string;
  bytes: number;
  /** XXH64 in hexadecimal digits, against damage. */
  checksum: string;
  version: Version;
  /** The name of its bytes in the store, or {@link ABSENT}. */
  body: string;
}

/**
 * A model that is kept. Its note is written in one piece once all of its files are stored, so that they are
 * of one version; bytes that no note names are ignored.
 */
export interface Note {
  /** What the model is found by: the address of one of its files. */
  key: string;
  files: Entry[];
  /**
   * The addresses of the files that weights were read from, by the requested options (such as a number
   * format): the first is that of the chosen file. Notes of earlier versions have none.
   */
  choices?: Record<string, string[]>;
  /** When it was kept, in milliseconds since 1970. */
  stored: number;
}

/** A place for notes and bytes. Any method may fail, which never fails a load. */
export interface Store {
  note(key: string): Promise<Note | null>;
  notes(): Promise<Note[]>;
  /** Writes a note whole, or not at all. */
  putNote(note: Note): Promise<void>;
  deleteNote(key: string): Promise<void>;
  /** The bytes of that name, or null. */
  open(body: string): Promise<ReadableStream<Uint8Array> | null>;
  put(body: string, bytes: Blob | ReadableStream<Uint8Array>): Promise<void>;
  /** Deletes bytes, if there are any. */
  delete(body: string): Promise<void>;
  /** The names of all bytes. */
  bodies(): Promise<string[]>;
  /** How many more bytes may be kept. */
  freeBytes(): Promise<number>;
  /** Deletes everything. */
  clear(): Promise<void>;
}

/** A value read from a store as a note, or null if it isn't one. */
export function asNote(value: unknown): Note | null {
  const note = value as Note | null;
  return typeof note?.key === "string" &&
    Number.isFinite(note.stored) &&
    note.files?.every?.(isEntry) &&
    Object.values(note.choices ?? {}).every(Array.isArray)
    ? note
    : null;
}

/** A body's name, or {@link ABSENT}. It becomes part of a path. */
const BODY = /^(?:[\da-z]+-[\da-z]+)?$/;

function isEntry(entry: Entry | null): boolean {
  return (
    typeof entry?.url === "string" &&
    typeof entry.checksum === "string" &&
    BODY.test(entry.body) &&
    Number.isSafeInteger(entry.bytes) &&
    typeof entry.version === "object"
  );
}
