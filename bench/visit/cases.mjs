// The cases that are timed in a visitor's page, by their names in a result.

/** The workload of visits among the cases of a result. */
export const VISIT = "visit";

/** The first label of a page on a line. */
export function labelCase({ rate }) {
  return `${VISIT}/first label ${rate === 0 ? "from this machine" : `at ${rate} Mbit/s`}`;
}

/** The first call after loading. */
export const FIRST_CALL = `${VISIT}/first call`;

/** The calls after that. */
export function laterCalls({ calls }) {
  return `${VISIT}/calls 2 to ${calls}`;
}
