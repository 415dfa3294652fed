/**
 * The states of the File tab, and how each event changes them. Nothing here touches the document: index.ts
 * feeds in the events and hands each state to the views.
 *
 * No library: @preact/signals-core 1.14.5 would add 4.7 kB (1.7 kB gzipped) to replace the one function in
 * index.ts that dispatches; lit-html 3.3.3 would add 7.2 kB (3.2 kB gzipped) and need a third Trusted Types
 * policy, one that turns any string into markup.
 */

import type { RowClassifier } from "./row-classifier.ts";
import type { FileProblem } from "./reading.ts";
import { ALL, AS_READ, itemsOf, waiting, type Filter, type Item, type Key, type Order } from "./rows.ts";
import type { Progress } from "./run.ts";
import type { Table } from "./table.ts";

/** What an error shows: its sentence, and whether reading the file as Windows-1252 may help. */
export interface Problem {
  message: string;
  recodable: boolean;
}

/** A file that has been read. */
export interface Opened {
  file: File;
  table: Table;
  /** The column with the texts. */
  column: number;
  /**
   * The rows, in the order of the file. A run writes its verdicts into them: a copy of up to 300,000 rows ten
   * times a second would freeze the page.
   */
  items: readonly Item[];
  filter: Filter;
  order: Order;
}

/** The run under way, or the last one. */
export interface Run {
  classifier: RowClassifier;
  progress: Progress;
}

/** Why a run ended early; `replaced`: its model is no longer in use. */
export type Cause = "cancelled" | "replaced" | "failed";

/** The states; `problem` is the error on show. */
export type State = { problem: Problem | null } & (
  | { name: "empty" }
  | { name: "reading"; file: string; share: number }
  /** The file couldn't be read; null if it couldn't even be fetched. */
  | { name: "error"; file: File | null }
  /** A file was read: the column can be chosen, and a run started. */
  | { name: "chosen"; opened: Opened }
  | { name: "running"; opened: Opened; run: Run }
  | { name: "done"; opened: Opened; run: Run }
  | { name: "stopped"; opened: Opened; run: Run; cause: Cause }
);

/** What can happen. A state ignores events that don't apply to it. */
export type Event =
  | { type: "opening"; file: string }
  | { type: "reading"; share: number }
  | { type: "read"; file: File; table: Table; column: number }
  | { type: "unread"; file: File | null; problem: Problem }
  | { type: "column"; column: number }
  | { type: "started"; classifier: RowClassifier }
  | { type: "classified"; progress: Progress }
  | { type: "finished" }
  | { type: "stopped"; cause: Cause; problem?: Problem }
  /** Something was refused; everything else stays as it is. */
  | { type: "refused"; problem: Problem }
  | { type: "filtered"; filter: Partial<Filter> }
  | { type: "sorted"; key: Key }
  | { type: "closed" };

/** The first state. */
export const EMPTY: State = { name: "empty", problem: null };

/** The open file; null if there is none. */
export function openedIn(state: State): Opened | null {
  return "opened" in state ? state.opened : null;
}

/** The run under way or the last one; null if there was none on this column. */
export function runIn(state: State): Run | null {
  return "run" in state ? state.run : null;
}

/** The state after an event. */
export function next(state: State, event: Event): State {
  switch (event.type) {
    case "opening":
      return { name: "reading", file: event.file, share: 0, problem: null };
    case "reading":
      return state.name === "reading" ? { ...state, share: event.share } : state;
    case "read": {
      if (state.name !== "reading") return state;
      const { file, table, column } = event;
      return { name: "chosen", opened: opened(file, table, column), problem: null };
    }
    case "unread":
      return state.name === "reading" ? { name: "error", file: event.file, problem: event.problem } : state;
    case "refused":
      return { ...state, problem: event.problem };
    case "closed":
      return EMPTY;
    default:
      return "opened" in state ? nextOfOpened(state, event) : state;
  }
}

type OpenedState = Extract<State, { opened: Opened }>;
type OpenedEvent = Extract<
  Event,
  { type: "column" | "started" | "classified" | "finished" | "stopped" | "filtered" | "sorted" }
>;

function nextOfOpened(state: OpenedState, event: OpenedEvent): State {
  const { opened: now, problem } = state;
  switch (event.type) {
    case "column":
      // Verdicts on another column would mislead.
      return state.name === "running"
        ? state
        : { name: "chosen", opened: opened(now.file, now.table, event.column), problem };
    case "started":
      return state.name === "running" ? state : started(state, event.classifier);
    case "classified":
      return state.name === "running" ? { ...state, run: { ...state.run, progress: event.progress } } : state;
    case "finished":
      return state.name === "running" ? { name: "done", opened: now, run: state.run, problem } : state;
    case "stopped":
      return state.name === "running"
        ? {
            name: "stopped",
            opened: now,
            run: state.run,
            cause: event.cause,
            problem: event.problem ?? problem,
          }
        : state;
    case "filtered":
      return { ...state, opened: { ...now, filter: { ...now.filter, ...event.filter } } };
    case "sorted": {
      const { key, down } = now.order;
      const order = { key: event.key, down: event.key === key ? !down : event.key === "score" };
      return { ...state, opened: { ...now, order } };
    }
  }
}

function opened(file: File, table: Table, column: number): Opened {
  return { file, table, column, items: itemsOf(table, column), filter: ALL, order: AS_READ };
}

/** Continues the last run, or starts over with another model: verdicts of two models aren't mixed. */
function started(state: OpenedState, classifier: RowClassifier): State {
  const last = runIn(state);
  const { opened: now } = state;
  const fresh = last !== null && last.classifier.key !== classifier.key;
  const after = fresh
    ? // The other model may not have the label that the rows are filtered by.
      { ...now, items: itemsOf(now.table, now.column), filter: { ...now.filter, group: null } }
    : now;
  const progress = { done: 0, total: waiting(after.items).length, spent: 0, left: 0 };
  return { name: "running", opened: after, run: { classifier, progress }, problem: null };
}

/** An error as the tab shows it. */
export function problemOf(error: unknown): Problem {
  const kind = error instanceof Error && "kind" in error ? (error as FileProblem).kind : null;
  return {
    message: error instanceof Error ? error.message : String(error),
    recodable: kind === "not UTF-8",
  };
}
