// `npm run release` in clones of a small repository with an npm package, a workspace, a crate and lock files.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { lockFiles } from "../../scripts/audit.mjs";
import { changelogFault, notes, withRelease } from "../../scripts/changelog.mjs";
import { crateFaults } from "../../scripts/check-crate.mjs";
import { release, versionFault } from "../../scripts/release.mjs";
import { withVersion } from "../../scripts/versions.mjs";
import { ROOT } from "./support.mjs";

const ADDRESSES = {
  repository: { type: "git", url: "git+https://example.org/tabsense.git" },
  homepage: "https://example.org/",
  bugs: "https://example.org/issues",
};

const own = {
  name: "tabsense",
  version: "0.1.0",
  license: "Apache-2.0",
  workspaces: ["models/one"],
  peerDependencies: { "tabsense-one": "^0.1.0" },
  scripts: {
    lint: "node check.mjs",
    "check:packages": "node check.mjs",
    "check:crate": "node check.mjs",
  },
  ...ADDRESSES,
};

/** A dependency with its own version, which stays unchanged. */
const other = { version: "0.1.0", integrity: "sha512-AAAA", license: "MIT" };

const TREE = {
  "package.json": JSON.stringify(own),
  "models/one/package.json": JSON.stringify({ name: "tabsense-one", version: "0.1.0", license: "MIT" }),
  "examples/rest/package-lock.json": JSON.stringify({
    name: "rest",
    version: "1.0.0",
    packages: {
      "node_modules/tabsense": { version: "0.1.0", resolved: "file:../.." },
      "node_modules/x": other,
    },
  }),
  "Cargo.toml": '[package]\nname = "tabsense"\nversion = "0.1.0"\nedition = "2024"\nlicense = "Apache-2.0"\n',
  "src/lib.rs": "",
  "CHANGELOG.md":
    "# Changelog\n\n## Unreleased\n\n### Added\n\n- Pairs.\n\n## 0.1.0 (2026-01-01)\n\n- Texts.\n",
  // Checks run with the version to be released; the crate's check runs with --verify.
  "check.mjs": `
    import { existsSync, readFileSync } from "node:fs";
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    const { npm_lifecycle_event: script } = process.env;
    if (existsSync(".git/fails")) process.exit(1);
    if (version !== "0.2.0" || (script === "check:crate") !== process.argv.includes("--verify")) process.exit(1);`,
  ".gitignore": "target\nnode_modules\n",
};

let work;

const run = (program, args, cwd) =>
  execFileSync(program, args, { cwd, encoding: "utf8", stdio: "pipe" }).trim();
const git = (cwd, ...args) => run("git", args, cwd);
const AUTHOR = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];

function write(folder, files) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

before(() => {
  work = mkdtempSync(join(tmpdir(), "tabsense-release-"));
  const origin = join(work, "origin");
  write(origin, TREE);
  run("npm", ["install", "--package-lock-only", "--offline", "--no-audit"], origin);
  run("cargo", ["generate-lockfile", "--offline"], origin);
  git(origin, "init", "--quiet", "--initial-branch=main");
  git(origin, "add", ".");
  git(origin, ...AUTHOR, "commit", "--quiet", "--message=Pairs");
  git(origin, ...AUTHOR, "tag", "--annotate", "--message=first", "v0.1.0");
});

after(() => rmSync(work, { recursive: true, force: true }));

let clones = 0;

/** A clone, with `change` committed, if any. */
function cloned(change = {}) {
  const folder = join(work, `clone-${clones++}`);
  git(work, "clone", "--quiet", "origin", folder);
  git(folder, "config", "user.name", "Somebody");
  git(folder, "config", "user.email", "somebody@example.org");
  write(folder, change);
  if (Object.keys(change).length > 0) git(folder, "commit", "--all", "--quiet", "--message=change");
  return folder;
}

const json = (folder, path) => JSON.parse(readFileSync(join(folder, path), "utf8"));

test("a release is one commit that changes every version, and a tag", async () => {
  const root = cloned();
  assert.equal(await release("0.2.0", { root }), "### Added\n\n- Pairs.");
  assert.equal(git(root, "log", "-1", "--format=%s %D"), "Release 0.2.0 HEAD -> main, tag: v0.2.0");
  assert.equal(git(root, "status", "--porcelain"), "");
  assert.deepEqual(git(root, "diff", "--name-only", "HEAD~1").split("\n"), [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "examples/rest/package-lock.json",
    "models/one/package.json",
    "package-lock.json",
    "package.json",
  ]);
  assert.deepEqual(json(root, "package.json"), {
    ...own,
    version: "0.2.0",
    peerDependencies: { "tabsense-one": "^0.2.0" },
  });
  assert.deepEqual(json(root, "models/one/package.json"), {
    name: "tabsense-one",
    version: "0.2.0",
    license: "MIT",
    ...ADDRESSES,
    repository: { ...ADDRESSES.repository, directory: "models/one" },
  });
  const { packages, version } = json(root, "examples/rest/package-lock.json");
  assert.deepEqual([packages["node_modules/tabsense"].version, packages["node_modules/x"]], ["0.2.0", other]);
  assert.equal(version, "1.0.0");
  assert.match(
    readFileSync(join(root, "Cargo.toml"), "utf8"),
    /\nrepository = "https:\/\/example.org\/tabsense"\n/,
  );
  const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  assert.match(changelog, /## Unreleased\n\n## 0\.2\.0 \(\d{4}-\d\d-\d\d\)\n\n### Added\n/);
  // npm would write the same lock file, and cargo refuses one that doesn't fit.
  run("npm", ["install", "--package-lock-only", "--offline", "--no-audit"], root);
  assert.equal(git(root, "status", "--porcelain"), "");
  const crates = JSON.parse(run("cargo", ["metadata", "--locked", "--offline", "--format-version=1"], root));
  assert.equal(crates.packages[0].version, "0.2.0");
});

test("a dry run shows the notes and changes nothing", async () => {
  const root = cloned();
  assert.equal(await release("0.2.0", { root, dryRun: true }), "### Added\n\n- Pairs.");
  assert.equal(git(root, "status", "--porcelain"), "");
  assert.equal(git(root, "tag", "--list"), "v0.1.0");
});

test("a check that fails leaves no change, commit or tag", async () => {
  const root = cloned();
  writeFileSync(join(root, ".git/fails"), "");
  await assert.rejects(release("0.2.0", { root }), /npm run lint failed/);
  assert.equal(git(root, "status", "--porcelain"), "");
  assert.equal(git(root, "tag", "--list"), "v0.1.0");
  assert.equal(git(root, "log", "-1", "--format=%s"), "Pairs");
});

for (const [what, { change, prepare, version = "0.2.0", message }] of Object.entries({
  "without the project's addresses": {
    change: { "package.json": JSON.stringify({ ...own, repository: undefined, bugs: undefined }) },
    message: /package\.json has no "repository", no "bugs"\. Set the project's addresses there\./,
  },
  "from a working tree with changes": {
    prepare: (root) => writeFileSync(join(root, "new.txt"), ""),
    message: /The working tree has changes\./,
  },
  "from another branch": {
    prepare: (root) => git(root, "switch", "--quiet", "--create", "topic"),
    message: /The branch is topic\. Release from main\./,
  },
  "without an entry in the changelog": {
    change: { "CHANGELOG.md": TREE["CHANGELOG.md"].replace("- Pairs.\n", "") },
    message: /no entry under "## Unreleased"/,
  },
  "of a version that is tagged": { version: "0.1.0", message: /The tag v0\.1\.0 exists\./ },
  "of a version that skips one": {
    version: "0.4.0",
    message: /0\.4\.0 doesn't follow 0\.1\.0\. Release one of 0\.1\.1, 0\.2\.0, 1\.0\.0\./,
  },
}))
  test(`refuses a release ${what}`, async () => {
    const root = cloned(change);
    prepare?.(root);
    const before = [git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")];
    await assert.rejects(release(version, { root }), message);
    assert.deepEqual([git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")], before);
  });

test("a version is the next patch, minor or major, or a prerelease of one", async () => {
  const fault = (version, current = "0.2.0-beta.1", tags = [current]) =>
    versionFault(version, current, (version) => tags.includes(version));
  for (const version of ["0.2.0", "0.2.0-beta.2", "1.0.0"]) assert.equal(await fault(version), null, version);
  assert.match(await fault("0.2.0-alpha.1"), /doesn't follow/);
  for (const version of ["0.2", "v0.2.0", "0.2.0+build", "latest"])
    assert.match(await fault(version), /is not a semantic version/, version);
  assert.equal(await fault("0.1.0", "0.1.0", []), null, "the first release");
});

test("this project's changelog can be released, and the notes are its section", () => {
  const text = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8");
  assert.equal(changelogFault(text), null);
  const released = withRelease(text, "9.9.9", "2026-01-02");
  assert.match(notes(released, "9.9.9"), /^- \S/m);
  assert.match(changelogFault(released), /no entry/);
  assert.throws(() => notes(text, "9.9.9"), /no release 9\.9\.9/);
});

test("in this project a release changes all packages, the crate and the lock files that name them", () => {
  const root = join(work, "project");
  const { workspaces, ...manifest } = json(ROOT, "package.json");
  const manifests = workspaces.map((folder) => `${folder}/package.json`);
  for (const path of [...manifests, "Cargo.toml", ...lockFiles()])
    cpSync(join(ROOT, path), join(root, path), { recursive: true });
  write(root, { "package.json": JSON.stringify({ ...manifest, workspaces, ...ADDRESSES }) });
  git(root, "init", "--quiet");
  git(root, "add", ".");
  const files = withVersion(root, "9.9.9");
  for (const path of [
    "Cargo.lock",
    "fuzz/Cargo.lock",
    "package-lock.json",
    "examples/rest/package-lock.json",
  ])
    assert.ok(files.has(path), path);
  write(root, Object.fromEntries(files));
  // npm would write the same lock file.
  run("npm", ["install", "--package-lock-only", "--offline", "--no-audit"], root);
  assert.equal(readFileSync(join(root, "package-lock.json"), "utf8"), files.get("package-lock.json"));
  // No package or crate of this project still has the old version.
  for (const path of lockFiles(root).filter((path) => path.endsWith("Cargo.lock")))
    assert.doesNotMatch(files.get(path) ?? "", /name = "tabsense"\nversion = "(?!9\.9\.9")/);
});

test("the crate has the files that compile it, and no others", () => {
  const listed = run("cargo", ["package", "--list", "--locked", "--allow-dirty", "--quiet"], ROOT).split(
    "\n",
  );
  assert.deepEqual(crateFaults(listed), []);
  assert.deepEqual(crateFaults([...listed, "test_data/README.md"]), [
    "test_data/README.md is in the crate. Leave it out in Cargo.toml, or list it.",
  ]);
  assert.deepEqual(crateFaults(listed.filter((path) => path !== "LICENSE")), [
    "LICENSE is missing from the crate.",
  ]);
});
