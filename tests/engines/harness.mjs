// The same tests in three engines, each driven by its own protocol, behind one interface.
//
// An engine's module has `start()`, which resolves to `{ version, newTab, close }`; a tab is `{ goto(url),
// evaluate(expression), problems(), close() }`: `evaluate` awaits a promise of a string, and `problems` are
// the errors and warnings that its pages have logged or thrown. Each tab has its own storage.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { missing, programsOf } from "../../scripts/engines.mjs";
import * as chromium from "./chromium.mjs";
import { FEATURES, probe } from "./features.mjs";
import * as firefox from "./firefox.mjs";
import * as webkit from "./webkit.mjs";

/** The engines by name; an engine that isn't installed is skipped. */
const ENGINES = {
  Chromium: { module: chromium, skip: false },
  Firefox: { module: firefox, skip: programsOf("firefox") ? false : missing("firefox") },
  WebKitGTK: { module: webkit, skip: programsOf("webkit") ? false : missing("webkit") },
};

/**
 * Messages that Chromium logs on its own: about missing optional files, and about WebGPU without an adapter.
 */
const NO_FAULT = /status of 404 \(Not Found\)|^No available adapters\.$/;

/**
 * Defines the same tests for each engine, with `{ name, version(), open, supports }`; an engine that isn't
 * installed is skipped, with the reason.
 */
export function inEachEngine(define) {
  for (const [name, { module, skip }] of Object.entries(ENGINES)) {
    describe(name, { skip }, () => {
      let running;
      before(async () => (running = await module.start()));
      after(() => running?.close());
      define({
        name,
        version: () => running.version,
        open: (t, url, allowed) => open(t, running, url, allowed),
        supports: (t, page, feature) => supports(t, `${name} ${running.version}`, page, feature),
      });
    });
  }
}

/**
 * Opens a tab for one test, which fails if a page logs or throws an error, except for those that `allowed`
 * matches.
 *
 * `run` calls a function in the page and resolves to its result; arguments and result must be JSON values. An
 * error in the function rejects `run`, with the error's `kind`.
 */
async function open(t, running, url, allowed = null) {
  const tab = await running.newTab();
  t.after(async () => {
    const problems = await tab.problems();
    await tab.close();
    assert.deepEqual(
      problems.filter((problem) => !NO_FAULT.test(problem) && !allowed?.test(problem)),
      [],
    );
  });
  await tab.goto(url);
  return {
    goto: (url) => tab.goto(url),
    problems: async () => tab.problems(),
    async run(action, ...args) {
      const { value, error } = JSON.parse(await tab.evaluate(expression(action, args)));
      if (error) throw Object.assign(new Error(`in the page: ${error.message}`), error);
      return value;
    },
  };
}

/** The call as source text that evaluates to a promise of JSON. */
function expression(action, args) {
  return `(async () => {
    try {
      return JSON.stringify({ value: await (${action})(...${JSON.stringify(args)}) });
    } catch (error) {
      const { name, message, kind, stack } = error;
      const whole = name + ": " + message;
      // Only Chromium's stack starts with the message.
      const trace = stack?.startsWith(whole) ? stack : whole + "\\n" + stack;
      return JSON.stringify({ error: { name, message: whole, kind, stack: trace } });
    }
  })()`;
}

/** Whether the page supports a feature; if not, skips the test, with the reason. */
async function supports(t, engine, page, feature) {
  if ((await page.run(probe))[feature]) return true;
  t.skip(`${engine} has no ${FEATURES[feature]}`);
  return false;
}
