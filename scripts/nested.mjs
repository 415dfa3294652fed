// Projects within the project, with their own npm packages: the ones that only the tests of documents or
// examples need are not dependencies of the package.

import { join } from "node:path";
import { must, ROOT } from "./run.mjs";
import { hashOf, unlessStamped } from "./stamp.mjs";

/**
 * Installs the packages of the project in `folder` if they are missing or outdated; no package's own script
 * runs. `inputs`: folders of this repository that it installs from.
 */
export async function setUpNested(folder, inputs = []) {
  const hash = hashOf(
    [`${folder}/package.json`, `${folder}/package-lock.json`, ...inputs],
    [process.platform, process.arch],
  );
  await unlessStamped(`${folder}/node_modules/.tabsense-installed`, hash, [], async () => {
    console.log(`set-up: npm packages of ${folder}`);
    await must("npm", ["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"], {
      cwd: join(ROOT, folder),
    });
  });
}
