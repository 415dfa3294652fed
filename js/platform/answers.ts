/** Asks a server whether it has a file. */

/**
 * Whether the server responds to `url` with a file, rather than an error or a web page, which servers of
 * applications send for a missing file.
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
