/** Asks a server whether it has a file. */

/**
 * Whether `url` is answered with a file: not with an error, nor with a web page, as servers of applications answer for
 * what they don't have.
 */
export async function answersWithFile(url: URL): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok && !/^text\/html\b/i.test(response.headers.get("content-type") ?? "");
  } catch {
    return false;
  }
}
