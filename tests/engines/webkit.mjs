// WebKitGTK, through WebDriver: its driver starts a small browser for each session, on a separate X server.

import { programsOf } from "../../scripts/engines.mjs";
import { freePort, scratchFolder, startProgram } from "./programs.mjs";

/** How long a script may run, in ms: as long as the other engines' tests. */
const SCRIPT_MS = 600_000;

/** The interval in which to check whether the driver is ready, in ms, and the maximum number of checks. */
const [ASK_MS, ASKS] = [50, 600];

/** Starts the engine; harness.mjs describes the result. */
export async function start() {
  const { driver, xvfb, browser } = programsOf("webkit");
  const display = startProgram(xvfb, ["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
  const [number] = await display.waitForLine(/^\d+$/);
  const profile = scratchFolder("webkit");
  const port = await freePort();
  const program = startProgram(driver, [`--port=${port}`], {
    DISPLAY: `:${number}`,
    GDK_BACKEND: "x11",
    NO_AT_BRIDGE: "1",
    LANG: "en_US.UTF-8", // with "C", `Intl` rejects `navigator.language`
    LANGUAGE: "en_US",
    HOME: profile.folder,
    XDG_CACHE_HOME: profile.folder,
    XDG_CONFIG_HOME: profile.folder,
    XDG_DATA_HOME: profile.folder,
  });
  const send = client(`http://127.0.0.1:${port}`);
  await answers(send, program);
  const open = () =>
    send("POST", "/session", {
      capabilities: {
        alwaysMatch: {
          "webkitgtk:browserOptions": { binary: browser, args: ["--automation"] },
        },
      },
    });
  const first = await open();
  await send("DELETE", `/session/${first.sessionId}`);
  return {
    version: first.capabilities.browserVersion,

    async newTab() {
      const { sessionId } = await open();
      const session = `/session/${sessionId}`;
      await send("POST", `${session}/timeouts`, { script: SCRIPT_MS, pageLoad: SCRIPT_MS });
      const evaluate = (expression) =>
        send("POST", `${session}/execute/async`, {
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
          await send("POST", `${session}/url`, { url });
        },
        evaluate,
        problems: async () => [...pastProblems, ...(await currentProblems())],
        close: () => send("DELETE", session),
      };
    },

    async close() {
      await program.end();
      await display.end();
      profile.remove();
    },
  };
}

/** Returns a function that sends a command to a driver and resolves to its value. */
function client(address) {
  return async (method, path, body) => {
    const response = await fetch(address + path, {
      method,
      headers: { "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebKitWebDriver: ${value.error}: ${value.message}`);
    return value;
  };
}

/** Waits until the driver answers. */
async function answers(send, program) {
  for (let i = 0; ; i++) {
    try {
      return await send("GET", "/status");
    } catch (error) {
      if (i === ASKS)
        throw new Error(`WebKitWebDriver does not answer: ${error}\n${program.lines.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
  }
}
