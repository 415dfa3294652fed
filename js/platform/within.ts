/** Waiting with a time limit. */

/**
 * The result of `promise`, or null if it takes longer than `ms` milliseconds; the promise itself continues.
 */
export async function within<T>(ms: number, promise: Promise<T>): Promise<{ value: T } | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null);
  });
  try {
    return await Promise.race([promise.then((value) => ({ value })), late]);
  } finally {
    clearTimeout(timer);
  }
}
