// Firefox and WebKitGTK for the tests that run in other engines than Chromium: those of the environment or
// the system, otherwise Debian's. Without an engine its tests are skipped, with a message.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { which } from "./browser.mjs";
import { install, libraryFolders, canInstall } from "./packages.mjs";
import { output } from "./run.mjs";

const FIREFOX_NAMES = ["firefox-esr", "firefox"];

/** The folders of WebKitGTK's versions, in each of which its small browser may be. */
const WEBKIT_FOLDERS = ["webkit2gtk-4.1", "webkitgtk-6.0", "webkit2gtk-4.0"];

/** What each engine needs, and how it is found: its programs by name, or null if one is missing. */
const ENGINES = {
  firefox: { title: "Firefox", packages: ["firefox-esr"], find: findFirefox },
  webkit: { title: "WebKitGTK", packages: ["webkit2gtk-driver", "xvfb"], find: findWebKit },
};

/**
 * Installs the engines that are missing, if this user may. FIREFOX and WEBKIT_DRIVER in the environment take
 * precedence.
 */
export async function setUpEngines() {
  for (const [name, { title, packages }] of Object.entries(ENGINES)) {
    if (programsOf(name)) continue;
    let failed = "this user may not install packages";
    if (canInstall()) {
      console.log(`set-up: ${title} (Debian packages)`);
      failed = (await install(packages)) ?? "its programs are not on PATH";
    }
    if (!programsOf(name)) console.log(`set-up: ${missing(name)} (${failed})`);
  }
}

/** The programs of an engine, or null if it isn't installed. */
export function programsOf(name) {
  return ENGINES[name].find();
}

/** Why the tests of an engine that isn't installed are skipped. */
export function missing(name) {
  const { title, packages } = ENGINES[name];
  return `${title} is not on this machine: its tests are skipped. Debian has it in ${packages.join(" and ")}.`;
}

function findFirefox() {
  const firefox = process.env.FIREFOX || FIREFOX_NAMES.map(which).find(Boolean);
  return firefox && output(firefox, ["--version"]) ? { firefox } : null;
}

/** Its browser has no headless mode, so it needs an X server as well. */
function findWebKit() {
  const driver = process.env.WEBKIT_DRIVER || which("WebKitWebDriver");
  const xvfb = which("Xvfb");
  const browser = libraryFolders()
    .flatMap((folder) => WEBKIT_FOLDERS.map((name) => join(folder, name, "MiniBrowser")))
    .find((path) => existsSync(path));
  return driver && xvfb && browser ? { driver, xvfb, browser } : null;
}
