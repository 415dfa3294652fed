/** Imports `tasks.js`, the separate module for all tasks but classification. */

import { TabsenseError } from "./errors.js";

/** js/tasks.ts */
export type Tasks = typeof import("../tasks.js");

/** Fetches it. Kind `"environment"` where it can't be loaded. */
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
