// Helpers for the examples' tests: set up an example as its reader does, with the packed packages installed,
// and open it in a browser.

import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { HERE, MODULES, open, PACKAGES, ROOT, startServer } from "../packages/support.mjs";

export const EXAMPLES = join(ROOT, "examples");

/** Folders that an installation or a build leaves in an example. */
const MADE = /(^|\/)(node_modules|\.next|dist)(\/|$)/;

/** The paths of an example's own files, relative to it. */
export function filesOf(name) {
  const below = (folder) =>
    readdirSync(join(EXAMPLES, name, folder), { withFileTypes: true })
      .map((entry) => ({ path: join(folder, entry.name), isFolder: entry.isDirectory() }))
      .filter(({ path }) => !MADE.test(path))
      .flatMap(({ path, isFolder }) => (isFolder ? below(path) : [path]));
  return below("");
}

/** Copies an example, with the packages that it names: ours as packed, others from tests/packages. */
export function layOut(name) {
  const source = join(EXAMPLES, name);
  const folder = join(HERE, "examples", name);
  rmSync(folder, { recursive: true, force: true });
  for (const path of filesOf(name)) cpSync(join(source, path), join(folder, path));
  const { dependencies, devDependencies, scripts = {} } = json(join(folder, "package.json"));
  const tested = json(join(HERE, "package.json")).devDependencies;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    if (!PACKAGES.includes(name)) {
      assert.equal(version, tested[name], `${name} is tested in the version that the example installs`);
      continue;
    }
    assert.equal(json(join(source, version.slice("file:".length), "package.json")).name, name);
    // Copied: Chrome doesn't follow links out of an extension's folder.
    cpSync(join(MODULES, name), join(folder, "node_modules", name), { recursive: true });
  }
  return { folder, scripts };
}

/** Starts an example's server with its own `start` script; resolves to its address. */
export async function start(t, { folder, scripts }) {
  const [program, ...args] = scripts.start.split(" ");
  const path = join(MODULES, ".bin", program);
  const env = { PORT: "0", NEXT_TELEMETRY_DISABLED: "1" };
  const [url] = await startServer(
    t,
    process.execPath,
    [path, ...args],
    folder,
    /http:\/\/localhost:\d+/,
    env,
  );
  return url;
}

/** Opens a page of an example with {@link open}. Errors in the page fail the test at its end. */
export async function openExample(t, browser, url) {
  const opened = await open(t, browser, url);
  t.after(() => assert.deepEqual(opened.faults, []));
  return opened;
}

/** Waits until an element contains a text. */
export async function shows(locator, text) {
  await locator.filter({ hasText: text }).first().waitFor({ state: "attached", timeout: 60_000 });
}

/** Fails if axe finds an accessibility fault, in light or dark mode. */
export async function assertAccessible(page) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    assert.deepEqual(
      violations.map(({ id, nodes }) => `${colorScheme}: ${id} ${nodes.map(({ html }) => html)}`),
      [],
    );
  }
}

function json(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
