// `npm run release -- 0.2.0`: sets the version everywhere, checks the packages and the crate, commits and tags. Pushing the
// tag publishes (.github/workflows/release.yml). With `--dry-run` it says what it would change, and changes nothing.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { changelogFault, notes, withRelease } from "./changelog.mjs";
import { Failure, main, output, ROOT, run } from "./run.mjs";
import { setUpNpm } from "./setup.mjs";
import { ADDRESSES, withVersion } from "./versions.mjs";

/** What must pass before anything is tagged: npm scripts with their arguments. The workflow runs all tests. */
const CHECKS = [["lint"], ["check:packages"], ["check:crate", "--verify"]];

const USAGE = "Name the version to release: npm run release -- 0.2.0 [--dry-run]";

/** Why `version` can't follow `current`, as a sentence; null if it can. */
export async function versionFault(version, current, isTagged) {
  const { default: semver } = await import("semver");
  if (semver.valid(version) !== version)
    return `${version} is not a semantic version. Write it like 0.2.0 or 0.2.0-beta.1.`;
  if (isTagged(version)) return `The tag v${version} exists. Release another version.`;
  const next = ["patch", "minor", "major"].map((part) => semver.inc(current, part));
  // The version that package.json states may itself be unreleased: the first one is.
  const possible = isTagged(current) ? next : [current, ...next];
  if (semver.gte(version, current) && possible.includes(version.split("-")[0])) return null;
  return `${version} doesn't follow ${current}. Release one of ${possible.join(", ")}.`;
}

/** Everything that keeps `version` from being released, a sentence each. */
async function faults(root, version) {
  const read = (path) => readFileSync(join(root, path), "utf8");
  const git = (...args) => output("git", args, { cwd: root });
  const own = JSON.parse(read("package.json"));
  const isTagged = (version) => git("tag", "--list", `v${version}`) !== "";
  const found = [await versionFault(version, own.version, isTagged), changelogFault(read("CHANGELOG.md"))];
  if (git("status", "--porcelain") !== "") found.push("The working tree has changes. Commit or stash them.");
  const branch = git("branch", "--show-current");
  if (branch !== "main") found.push(`The branch is ${branch || "detached"}. Release from main.`);
  const missing = ADDRESSES.filter((field) => !own[field]);
  if (missing.length > 0)
    found.push(
      `The root's package.json has no "${missing.join('", no "')}". Set the project's addresses there.`,
    );
  return found.filter((fault) => fault !== null);
}

/** Releases `version` of the repository at `root`: a commit and a tag. Resolves to the notes. */
export async function release(version, { root = ROOT, dryRun = false } = {}) {
  const found = await faults(root, version);
  if (found.length > 0)
    throw new Failure(`${version} can't be released:\n${found.map((f) => `- ${f}`).join("\n")}`);
  const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  const released = withRelease(changelog, version, new Date().toISOString().slice(0, 10));
  const files = withVersion(root, version).set("CHANGELOG.md", released);
  console.log(`${dryRun ? "would change" : "changes"}: ${[...files.keys()].join(", ")}`);
  if (!dryRun) {
    const git = async (...args) => {
      if ((await run("git", args, { cwd: root })) !== 0) throw new Failure(`git ${args[0]} failed.`);
    };
    for (const [path, text] of files) writeFileSync(join(root, path), text);
    try {
      for (const [script, ...args] of CHECKS)
        if ((await run("npm", ["run", script, "--", ...args], { cwd: root })) !== 0)
          throw new Failure(`npm run ${script} failed: nothing is released, and no file is changed.`);
      await git("commit", "--quiet", "--message", `Release ${version}`, "--", ...files.keys());
    } catch (error) {
      await git("restore", "--staged", "--worktree", "--", ...files.keys());
      throw error;
    }
    await git("tag", "--annotate", `v${version}`, "--message", `Tabsense ${version}`);
  }
  return notes(released, version);
}

await main(import.meta.url, async (args) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { "dry-run": { type: "boolean", default: false } },
  });
  if (positionals.length !== 1) throw new Failure(USAGE);
  await setUpNpm();
  const [version] = positionals;
  const text = await release(version, { dryRun: values["dry-run"] });
  console.log(`\nNotes of ${version}:\n\n${text}\n`);
  if (!values["dry-run"]) console.log(`To publish: git push --atomic origin main v${version}`);
});
