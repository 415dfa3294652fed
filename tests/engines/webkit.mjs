// WebKitGTK, through WebDriver: its driver starts a small browser for each session, on a separate X server.

import { setTimeout as sleep } from "node:timers/promises";
import { programsOf } from "../../scripts/engines.mjs";
import { freePort, scratchFolder, startProgram } from "./programs.mjs";

/** How long a script may run, in ms: as long as the other engines' tests. */
const SCRIPT_MS = 600_000;

/** How long the start of a browser may take, in ms: it takes half a second. */
const OPEN_MS = 30_000;

/** How many times to start a browser: once in hundreds of times, the driver never answers. */
const OPENINGS = 3;

/** The interval in which to check whether something has happened, in ms, and the maximum number of checks. */
const [ASK_MS, ASKS] = [50, 600];

/** Starts the engine; harness.mjs describes the result. */
export async function start() {
  const { driver, xvfb, browser } = programsOf("webkit");
  const display = startProgram(xvfb, ["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
  const [number] = await display.waitForLine(/^\d+$/);
  const profile = scratchFolder("webkit");
  const env = {
    DISPLAY: `:${number}`,
    GDK_BACKEND: "x11",
    NO_AT_BRIDGE: "1",
    LANG: "en_US.UTF-8", // with "C", `Intl` rejects `navigator.language`
    LANGUAGE: "en_US",
    HOME: profile.folder,
    XDG_CACHE_HOME: profile.folder,
    XDG_CONFIG_HOME: profile.folder,
    XDG_DATA_HOME: profile.folder,
  };
  const open = () => openBrowser(driver, browser, env);
  const first = await open();
  await first.close();
  return {
    version: first.version,

    async newTab() {
      const { send, close } = await open();
      await send("POST", "/timeouts", { script: SCRIPT_MS, pageLoad: SCRIPT_MS });
      const execute = (script) => send("POST", "/execute/sync", { script, args: [] });
      const evaluate = (expression) =>
        send("POST", "/execute/async", {
          script: `const done = arguments[arguments.length - 1]; (${expression}).then(done);`,
          args: [],
        });
      // The driver doesn't report problems; each page records its own (watch.js) while it is open.
      const pastProblems = [];
      const currentProblems = async () =>
        JSON.parse(await evaluate("(async () => JSON.stringify(globalThis.problems ?? []))()"));
      return {
        async goto(url) {
          pastProblems.push(...(await currentProblems()));
          // The old document must be gone: once, on a busy machine, a script didn't find its page's variables.
          await execute("globalThis.left = true;");
          await send("POST", "/url", { url });
          const isThere = "return !globalThis.left && document.readyState === 'complete';";
          await until(
            () => execute(isThere),
            () => `${url} didn't load`,
          );
        },
        evaluate,
        problems: async () => [...pastProblems, ...(await currentProblems())],
        close,
      };
    },

    async close() {
      await display.end();
      profile.remove();
    },
  };
}

/**
 * Starts a driver and its browser; resolves to `{ version, send, close }`: `send` sends a command to the
 * browser's session, and resolves to its value.
 */
async function openBrowser(driver, browser, env) {
  for (let opening = 1; ; opening++) {
    const port = await freePort();
    const program = startProgram(driver, [`--port=${port}`], env);
    const send = client(`http://127.0.0.1:${port}`);
    try {
      await until(
        () => answers(send),
        () => `WebKitWebDriver doesn't answer:\n${program.lines.join("\n")}`,
      );
      const webkit = { "webkitgtk:browserOptions": { binary: browser, args: ["--automation"] } };
      const body = { capabilities: { alwaysMatch: webkit } };
      const { sessionId, capabilities } = await send("POST", "/session", body, OPEN_MS);
      const session = `/session/${sessionId}`;
      return {
        version: capabilities.browserVersion,
        send: (method, path, body) => send(method, session + path, body),
        close: () => send("DELETE", session).finally(program.end),
      };
    } catch (error) {
      await program.end();
      if (error.name !== "TimeoutError" || opening === OPENINGS) throw error;
      console.log(`WebKitWebDriver started no browser in ${OPEN_MS} ms: another driver tries`);
    }
  }
}

/**
 * Returns a function that sends a command to a driver and resolves to its value; with a limit in ms, it fails
 * with a `TimeoutError` after that.
 */
function client(address) {
  return async (method, path, body, limit) => {
    const response = await fetch(address + path, {
      method,
      headers: { "content-type": "application/json" },
      body: body && JSON.stringify(body),
      signal: limit === undefined ? null : AbortSignal.timeout(limit),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebKitWebDriver: ${value.error}: ${value.message}`);
    return value;
  };
}

/** Whether the driver answers. */
function answers(send) {
  return send("GET", "/status").then(
    () => true,
    () => false,
  );
}

/** Waits until `happened` resolves to true; `otherwise` returns the message of the error if it never does. */
async function until(happened, otherwise) {
  for (let i = 0; !(await happened()); i++) {
    if (i === ASKS) throw new Error(otherwise());
    await sleep(ASK_MS);
  }
}
