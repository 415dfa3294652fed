// Each recipe is written out from its document, with only the packages that it installs, built, and run in
// Chromium or Node. So is the command line of README.md and docs/cli.md.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { installTarball, ROOT, startBrowser } from "../package/support.mjs";
import { blocksOf } from "./markdown.mjs";
import { writeRecipe, RECIPES } from "./recipes.mjs";
import { commandsOf, runShell } from "./runners/shell.mjs";

/** This repository's packages: copied, because a link would expose the packages next to its target. */
const OWN = ["tabsense", "tabsense-sentiment-en"];
const HOURS = "A waste of two hours.";

let installed, projects, browser;
before(async () => {
  installed = installTarball();
  const npm = (args, cwd) =>
    execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const [{ filename }] = Object.values(
    JSON.parse(
      npm(
        ["pack", "--json", "--ignore-scripts", "--pack-destination", installed.project],
        join(ROOT, "models/sentiment-en"),
      ),
    ),
  );
  npm(["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], installed.project);
  projects = mkdtempSync(join(tmpdir(), "tabsense-recipes-")); // not in installed.project, whose packages would resolve
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  if (projects) rmSync(projects, { recursive: true, force: true });
  installed?.remove();
});

const tested = new Set();

/** Creates a recipe's project in its own folder. Returns `{ folder, files }`. */
function project(document, changes) {
  tested.add(document);
  const folder = emptyProject(document, blocksOf(document));
  return { folder, files: writeRecipe(document, folder, changes) };
}

/** A project folder with only the packages that the blocks install with npm. */
function emptyProject(document, blocks) {
  const folder = join(projects, document.replace(/\W+/g, "-"));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}\n"); // as npm creates it, without a type
  const commands = blocks.filter(({ language }) => language === "sh").flatMap(({ code }) => commandsOf(code));
  const names = commands
    .flatMap((command) => /^npm install (.*)$/.exec(command)?.[1].split(/\s+/) ?? [])
    .filter((word) => !word.startsWith("-"));
  for (const name of names) install(name, folder);
  return folder;
}

/**
 * Puts a package and its programs into a project's node_modules, as npm would. Its dependencies are resolved
 * from its real location.
 */
function install(name, folder) {
  const from = [installed.project, join(ROOT, "tests/docs"), ROOT]
    .map((place) => join(place, "node_modules", name))
    .find((path) => existsSync(path));
  assert.ok(from, `${name} is not installed here`);
  const to = join(folder, "node_modules", name);
  mkdirSync(dirname(to), { recursive: true });
  if (OWN.includes(name)) cpSync(from, to, { recursive: true });
  else symlinkSync(from, to);
  const { bin = {} } = JSON.parse(readFileSync(join(to, "package.json"), "utf8"));
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  for (const [program, path] of Object.entries(
    typeof bin === "string" ? { [name.split("/").at(-1)]: bin } : bin,
  ))
    symlinkSync(join(to, path), join(folder, "node_modules/.bin", program));
}

/**
 * Serves a folder and opens its page. Any error in it, except for those that `allowed` matches, fails the
 * test at its end.
 */
async function open(t, folder, allowed = null) {
  const site = await serve({ "/": folder });
  const context = await browser.newContext();
  const faults = [];
  t.after(async () => {
    await context.close();
    await site.close();
    assert.deepEqual(
      faults.filter((fault) => !allowed?.test(fault)),
      [],
    );
  });
  context.on(
    "request",
    (request) =>
      !request.url().startsWith(site.url) &&
      !request.url().startsWith("data:") &&
      faults.push(`asked for ${request.url()}`),
  );
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on(
    "console",
    (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()),
  );
  await page.goto(site.url);
  return page;
}

/** Checks the page's verdicts on its initial text and on another one, and that an empty text has none. */
async function verdicts(page) {
  const shows = (label) =>
    page.waitForFunction((label) => document.querySelector("output")?.textContent.startsWith(label), label);
  await shows("POSITIVE");
  assert.match(await page.locator("output").textContent(), /^POSITIVE 0\.9\d\d$/);
  await page.locator("textarea").fill(HOURS);
  await page.locator("textarea").blur();
  await shows("NEGATIVE");
  await page.locator("textarea").fill("");
  await page.locator("textarea").blur();
  await page.waitForFunction(() => document.querySelector("output")?.textContent === "");
}

/** The number of classifiers' workers, without the helper threads. */
const workers = (page) => page.workers().filter((worker) => !/\/thread[^/]*\.js$/.test(worker.url())).length;

function run(program, args, folder) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
  });
  assert.equal(status, 0, `${program}: ${stdout}${stderr}`);
}

/** How each framework unmounts its component; the line is appended to the recipe's code. */
const UNMOUNT = {
  react: ["src/main.tsx", "Object.assign(globalThis, { unmount: () => root.unmount() });"],
  vue: ["src/main.ts", "Object.assign(globalThis, { unmount: () => app.unmount() });"],
  svelte: [
    "src/main.ts",
    'import { unmount } from "svelte";\nObject.assign(globalThis, { unmount: () => unmount(app) });',
  ],
};

for (const [name, [main, unmount]] of Object.entries(UNMOUNT)) {
  test(`${name}: builds with Vite, classifies typed text, and frees its model when it unmounts`, {
    timeout: 180_000,
  }, async (t) => {
    const { folder } = project(`docs/recipes/${name}.md`, { [main]: (code) => `${code}${unmount}\n` });
    run(join(folder, "node_modules/.bin/vite"), ["build", "--logLevel", "warn"], folder);
    const page = await open(t, join(folder, "dist"));
    await verdicts(page);
    assert.equal(workers(page), 1);
    await page.evaluate(() => globalThis.unmount());
    for (let end = Date.now() + 5000; workers(page) > 0 && Date.now() < end; ) await page.waitForTimeout(20);
    assert.equal(workers(page), 0);
    assert.equal(await page.locator("textarea").count(), 0);
  });
}

for (const name of ["react", "vue"]) {
  test(`${name}: its TypeScript has no type errors`, { timeout: 120_000 }, () => {
    const { folder, files } = project(`docs/recipes/${name}.md`);
    const sources = files.filter(
      (file) => /\.tsx?$/.test(file) && (name !== "vue" || !file.endsWith("main.ts")),
    ); // tsc can't read .vue files
    run(
      join(ROOT, "node_modules/.bin/tsc"),
      [
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noUncheckedIndexedAccess",
        "--noUnusedLocals",
        "--target",
        "es2022",
        "--lib",
        "es2022,dom,dom.iterable",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
        "--jsx",
        "react-jsx",
        "--skipLibCheck",
        ...sources,
      ],
      folder,
    );
  });
}

test("page: it needs no tool, and no more than its policy allows", { timeout: 120_000 }, async (t) => {
  const { folder } = project("docs/recipes/page.md");
  await verdicts(await open(t, join(folder, "public")));
});

test("service worker: it answers in the server's place", { timeout: 120_000 }, async (t) => {
  const { folder } = project("docs/recipes/service-worker.md");
  const page = await open(t, join(folder, "public"), /status of 400/); // the browser logs the refusal below
  await verdicts(page);
  const error = await page.evaluate(async () =>
    (await fetch("/classify", { method: "POST", body: JSON.stringify({ texts: [7] }) })).json(),
  );
  assert.equal(error.error.kind, "invalid_argument");
});

test("node: answers requests, rejects invalid ones, and stops on a signal", {
  timeout: 120_000,
}, async (t) => {
  const { folder } = project("docs/recipes/node.md");
  const child = spawn(process.execPath, ["server.mjs"], {
    cwd: folder,
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const port = await new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text) => resolve(Number(/port (\d+)/.exec(text)?.[1])));
    child.on("exit", (code) => reject(new Error(`it ended with exit code ${code}`)));
  });
  const post = async (body, path = "/classify") => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body });
    return { status: response.status, body: await response.json() };
  };
  const { status, body } = await post(JSON.stringify({ texts: ["A delight from start to finish.", HOURS] }));
  assert.equal(status, 200);
  assert.deepEqual(
    body.results.map(([{ label }]) => label),
    ["POSITIVE", "NEGATIVE"],
  );
  assert.equal((await post("{")).status, 400);
  assert.deepEqual(await post(JSON.stringify({ texts: [""] })), { status: 200, body: { results: [[]] } });
  assert.equal((await post(JSON.stringify({ texts: 7 }))).status, 400);
  assert.equal((await post(JSON.stringify({ texts: ["x".repeat(70_000)] }))).status, 413);
  assert.equal((await post("{}", "/other")).status, 404);
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});

for (const document of ["README.md", "docs/cli.md"]) {
  test(`${document}: its command runs with the packages that it installs there`, { timeout: 120_000 }, () => {
    const block = blocksOf(document).find(
      ({ language, code }) => language === "sh" && /^npm install [^]*^npx tabsense "/m.test(code),
    );
    assert.ok(block, "no block installs what its texts need");
    const folder = emptyProject(`command-${document}`, [block]);
    writeFileSync(join(folder, "reviews.csv"), `text\n${HOURS}\n`);
    runShell(block, { folder });
  });
}

test("every recipe was run", () => {
  assert.deepEqual([...tested].sort(), [...RECIPES].sort());
});
