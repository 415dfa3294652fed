// How long a test goes on that repeats one thing to see whether memory grows.

/** `usual` times, or `long` times under `npm run test:long`. */
export function times(usual, long) {
  return process.env.TABSENSE_LONG ? long : usual;
}
