// Vulkan for the native tests: Mesa's lavapipe, which computes on the CPU. The system's, otherwise Debian's,
// which is fetched here.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { install, libraryFolders, canInstall, unpack } from "./packages.mjs";
import { CACHE, Failure, output } from "./run.mjs";

const PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"];

/**
 * wgpu opens Vulkan's loader by this name, and the loader opens the driver that a description (a JSON file)
 * names.
 */
const LOADER = "libvulkan.so.1";
const DESCRIPTIONS = ["/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"];

/**
 * Resolves to the environment in which native tests find lavapipe and no other driver; installs it if it is
 * missing.
 *
 * A graphics card is not used, even if there is one: tolerances were measured on lavapipe, which supports
 * everything that the tests need (including f16), so a result means the same on every machine. A driver that
 * VK_DRIVER_FILES (VK_ICD_FILENAMES, by its older name) already names takes precedence: that is how to test a
 * card.
 */
export async function setUpVulkan() {
  // Native wgpu is Metal there.
  if (process.platform === "darwin") return {};
  const chosen = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
  if (chosen) return { VK_DRIVER_FILES: chosen, VK_ICD_FILENAMES: chosen };
  const found = find() ?? findUnpacked();
  if (found) return found;
  let failed = null;
  if (canInstall()) {
    console.log("set-up: Vulkan on Mesa's lavapipe (Debian packages)");
    failed = await install(PACKAGES);
  } else {
    console.log(`set-up: Vulkan on Mesa's lavapipe, unpacked into ${folder()}`);
    failed = await unpack(PACKAGES, folder());
    if (!failed) describe();
  }
  const now = find() ?? findUnpacked();
  if (now) return now;
  throw new Failure(
    `The native tests need Vulkan on Mesa's lavapipe, and it could not be set up here${failed ? `: ${failed}` : "."} Install Debian's packages ${PACKAGES.join(" and ")}, or set VK_DRIVER_FILES to the description (icd.d/*.json) of another Vulkan driver.`,
  );
}

function find() {
  const driver = DESCRIPTIONS.flatMap(lavapipesIn).find((path) => isComplete(path, []));
  return driver ? environment(driver) : null;
}

function folder() {
  return join(CACHE, "lavapipe");
}

/** The description of the unpacked driver, which is written last: if it exists, so does the rest. */
function ownDescription() {
  return join(folder(), "lvp_icd.json");
}

function findUnpacked() {
  const folders = libraryFolders(join(folder(), "root"));
  if (!existsSync(ownDescription()) || !isComplete(ownDescription(), folders)) return null;
  return { ...environment(ownDescription()), LD_LIBRARY_PATH: searchPath(folders) };
}

function environment(driver) {
  return { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver };
}

function searchPath(folders) {
  return [...folders, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
}

function lavapipesIn(path) {
  return existsSync(path)
    ? readdirSync(path)
        .filter((name) => /^lvp_icd.*\.json$/.test(name))
        .map((name) => join(path, name))
    : [];
}

/**
 * Whether the loader, the driver and all libraries that it is linked with exist, in the system's folders or
 * in `folders`.
 */
function isComplete(driver, folders) {
  const all = [...folders, ...libraryFolders()];
  const library = libraryOf(driver, all);
  if (!library || !all.some((path) => existsSync(join(path, LOADER)))) return false;
  const linked = output("ldd", [library], { env: { ...process.env, LD_LIBRARY_PATH: searchPath(folders) } });
  return linked !== null && !linked.includes("not found");
}

/**
 * The library that a description names: by its path, by a path relative to the description, or only by its
 * name.
 */
function libraryOf(driver, folders) {
  const named = JSON.parse(readFileSync(driver, "utf8")).ICD.library_path;
  const paths = named.startsWith("/")
    ? [named]
    : named.includes("/")
      ? [join(dirname(driver), named)]
      : folders.map((path) => join(path, named));
  return paths.find((path) => existsSync(path)) ?? null;
}

/** The unpacked description names a library of the system: writes one that names the unpacked library. */
function describe() {
  const root = join(folder(), "root");
  const [unpacked] = lavapipesIn(join(root, "usr/share/vulkan/icd.d"));
  if (!unpacked) return;
  const { ICD, ...rest } = JSON.parse(readFileSync(unpacked, "utf8"));
  const library = libraryFolders(root)
    .map((path) => join(path, basename(ICD.library_path)))
    .find((path) => existsSync(path));
  if (library)
    writeFileSync(
      ownDescription(),
      `${JSON.stringify({ ...rest, ICD: { ...ICD, library_path: library } }, null, 2)}\n`,
    );
}
