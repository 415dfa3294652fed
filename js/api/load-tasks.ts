/** Imports `tasks.js`, the separate module for all tasks except classification. */

import { TabsenseError } from "./errors.js";

/** The exports of js/tasks.ts. */
export type Tasks = typeof import("../tasks.js");

/** Imports the module. Kind `"environment"` if it can't be loaded. */
export async function loadTasks(): Promise<Tasks> {
  try {
    return await import("../tasks.js");
  } catch (cause) {
    throw new TabsenseError(
      "environment",
      `The package's module tasks.js could not be loaded (${cause instanceof Error ? cause.message : String(cause)}). Serve the package's whole dist folder.`,
      { cause },
    );
  }
}
