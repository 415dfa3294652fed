// Firefox, through WebDriver BiDi, its native protocol: commands and events as JSON through a WebSocket.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import WebSocket from "ws";
import { programsOf } from "../../scripts/engines.mjs";
import { scratchFolder, startProgram } from "./programs.mjs";

/** Turns off all requests that Firefox makes on its own. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.safebrowsing.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,#remote-settings-dummy/v1",
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};

/** Starts the engine; harness.mjs describes the result. */
export async function start() {
  const profile = scratchFolder("firefox");
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile.folder, "user.js"), lines.join(""));
  const { firefox } = programsOf("firefox");
  const args = ["--headless", "--no-remote", "--profile", profile.folder, "--remote-debugging-port=0"];
  const env = { HOME: profile.folder, MOZ_CRASHREPORTER_DISABLE: "1" };
  const program = startProgram(firefox, [...args, "about:blank"], env);
  const [, address] = await program.waitForLine(/WebDriver BiDi listening on (ws:\S+)/);
  const problems = new Map();
  const bidi = await connect(`${address}/session`, ({ level, text, source }) => {
    if (level === "error" || level === "warn") problems.get(source.context)?.push(text);
  });
  const { capabilities } = await bidi.send("session.new", { capabilities: {} });
  await bidi.send("session.subscribe", { events: ["log.entryAdded"] });
  return {
    version: capabilities.browserVersion,

    async newTab() {
      const { userContext } = await bidi.send("browser.createUserContext", {});
      const { context } = await bidi.send("browsingContext.create", { type: "tab", userContext });
      problems.set(context, []);
      return {
        goto: (url) => bidi.send("browsingContext.navigate", { context, url, wait: "complete" }),
        async evaluate(expression) {
          const answer = await bidi.send("script.evaluate", {
            expression,
            target: { context },
            awaitPromise: true,
          });
          if (answer.type === "exception") throw new Error(answer.exceptionDetails.text);
          return answer.result.value;
        },
        problems: () => problems.get(context),
        async close() {
          await bidi.send("browsingContext.close", { context });
          await bidi.send("browser.removeUserContext", { userContext });
        },
      };
    },

    async close() {
      bidi.close();
      await program.end();
      profile.remove();
    },
  };
}

/** Connects: `send` resolves to a command's result; `onLog` receives the pages' logs and errors. */
async function connect(address, onLog) {
  const socket = new WebSocket(address, { maxPayload: 0 });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  const waiting = new Map();
  let count = 0;
  socket.on("message", (data) => {
    const { type, id, result, error, message, method, params } = JSON.parse(data);
    if (type === "event") return method === "log.entryAdded" && onLog(params);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (type === "success") resolve(result);
    else reject(new Error(`Firefox: ${error}: ${message}`));
  });
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("Firefox has hung up"));
  });
  return {
    send: (method, params) =>
      new Promise((resolve, reject) => {
        waiting.set(++count, { resolve, reject });
        socket.send(JSON.stringify({ id: count, method, params }));
      }),
    close: () => socket.close(),
  };
}
