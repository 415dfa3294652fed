// Properties that hold for every input: how often they are tested, values that trip up parsers, and what a
// parser may do with a file of any content.

import assert from "node:assert/strict";
import fc from "fast-check";
import { TabsenseError } from "tabsense";
import { ERROR_KINDS } from "../../dist/api/errors.js";

/** `npm run test:long` runs more cases, as it does in Rust. */
const FACTOR = Number(process.env.TABSENSE_CASES_FACTOR ?? 1);

/**
 * An input that takes longer is stuck, even on a busy machine; the promise is a second, most take far less.
 */
const TIMEOUT_MS = 20_000;

/** Tests a property with `usual` inputs. */
export async function assertProperty(usual, property) {
  await fc.assert(property, { numRuns: usual * FACTOR, timeout: TIMEOUT_MS, includeErrorInReport: true });
  // Names in a file never end up on the prototype of all objects.
  assert.deepEqual(Reflect.ownKeys(Object.prototype).sort(), PROTOTYPE);
  assert.equal({}.polluted, undefined);
}

const PROTOTYPE = Reflect.ownKeys(Object.prototype).sort();

/** The result of `read`, or null if it refuses with a proper error: with a kind and a sentence. */
export async function readOrRefused(read) {
  try {
    return await read();
  } catch (error) {
    assert.ok(error instanceof TabsenseError, `not a TabsenseError: ${error?.stack ?? error}`);
    assert.ok(
      ERROR_KINDS.includes(error.kind) && error.kind !== "internal",
      `${error.kind}: ${error.message}`,
    );
    assert.match(error.message, /^\S[^]*\.$/);
    assert.ok(
      error.message.length < 2000,
      `${error.message.length} characters: ${error.message.slice(0, 200)}`,
    );
    assert.doesNotMatch(error.message, /\p{Cc}/u);
    return null;
  }
}

/** Keys that have a meaning in JavaScript. */
export const KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "length",
  "",
  "0",
];

const hostileKey = fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 4 }));

const hostileLeaf = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, 1, -1, 0.5, 1e308, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 1e21),
  fc.constantFrom("", "__proto__", "\0", "\x1b[2J", "\u202e", "\ud800", "../x.safetensors", "x".repeat(3000)),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.double(),
);

/** Anything that JSON may contain, of ordinary depth. */
export const hostileValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    hostileLeaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(hostileKey, tie("value")), { maxLength: 4 }).map(withOwnKeys),
  ),
})).value;

/** The text of a value nested so deeply in lists or objects that recursion may overflow the stack. */
export const deepJson = fc
  .tuple(fc.constantFrom(["[", "]"], ['{"a":', "}"]), fc.constantFrom(50, 20_000))
  .map(([[before, after], depth]) => `${before.repeat(depth)}0${after.repeat(depth)}`);

/** JSON of any kind, valid or not. */
export const hostileJson = fc.oneof(
  { weight: 8, arbitrary: hostileValue.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: deepJson },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
);

/** An object that has these keys as own properties, whatever they are. */
function withOwnKeys(entries) {
  const object = {};
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

/** `value` with a random part added, replaced, doubled or removed. */
export function changed(value) {
  return fc
    .tuple(fc.array(fc.nat(), { maxLength: 4 }), fc.nat(3), hostileKey, hostileValue)
    .map(([path, how, key, other]) => {
      const copy = structuredClone(value);
      let [at, last, name] = [copy, null, null];
      for (const step of path) {
        const keys = at !== null && typeof at === "object" ? Object.keys(at) : [];
        if (keys.length === 0) break;
        [last, name] = [at, keys[step % keys.length]];
        at = at[name];
      }
      if (last === null || how === 0) return withOwnKeys([...Object.entries(copy), [key, other]]);
      if (how === 1 && !Array.isArray(last)) delete last[name];
      else if (how === 2) last[name] = Array.isArray(at) ? [...at, ...at] : other;
      else last[name] = other;
      return copy;
    });
}

/** Splits bytes into chunks of the sizes in `cuts`; the rest is the last chunk. */
export function* cut(bytes, cuts) {
  let at = 0;
  for (const size of cuts) {
    if (at >= bytes.length) return;
    yield bytes.subarray(at, at + size);
    at += size;
  }
  if (at < bytes.length) yield bytes.subarray(at);
}

/** Sizes of chunks. */
export const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 });
