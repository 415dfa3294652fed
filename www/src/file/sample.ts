/** The sample file that comes with the page. */

import { FileProblem } from "./reading.ts";

/** Fetches the sample. Throws a {@link FileProblem} if that fails. */
export async function fetchSample(signal: AbortSignal): Promise<File> {
  try {
    const response = await fetch("./sample.csv", { signal });
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
    return new File([await response.blob()], "sample.csv");
  } catch (error) {
    throw new FileProblem(
      `The sample could not be fetched (${error instanceof Error ? error.message : String(error)}).`,
      "unreadable",
    );
  }
}
