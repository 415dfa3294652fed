// `npm run sbom FILE`: writes what the npm package `tabsense` consists of, as a CycloneDX bill of materials:
// the crates that are compiled into its WebAssembly modules, and the npm libraries that are bundled into its
// files. All of it comes from lock files and sources, so the same commit gives the same file.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setUpBuild } from "./setup.mjs";
import { Failure, main, ROOT } from "./run.mjs";

const TARGET = "wasm32-unknown-unknown";

const json = (path) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));

/** The bill of materials. */
export async function sbom() {
  const { readToml } = await import("./manifest.mjs");
  const { name, version, license, description } = json("package.json");
  const root = { type: "library", "bom-ref": `pkg:npm/${name}@${version}`, name, version, description };
  const compiled = crates(readToml("Cargo.lock"));
  const bundled = libraries(json("package-lock.json").packages);
  const standard = rust(readToml("rust-toolchain.toml").toolchain.channel);
  const parts = [standard, ...compiled.parts, ...bundled.parts];
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { ...root, purl: root["bom-ref"], licenses: licensesOf(license) } },
    components: parts.map(({ component }) => component),
    dependencies: [
      {
        ref: root["bom-ref"],
        dependsOn: [standard.component["bom-ref"], ...compiled.direct, ...bundled.direct],
      },
      ...parts.map(({ component, dependsOn }) => ({ ref: component["bom-ref"], dependsOn })),
    ],
  };
}

/** The standard library, which is compiled into each module. */
function rust(version) {
  const ref = `pkg:generic/rust-std@${version}`;
  const component = { type: "library", "bom-ref": ref, name: "rust-std", version, purl: ref };
  return { component: { ...component, licenses: licensesOf("MIT OR Apache-2.0") }, dependsOn: [] };
}

/** cargo's metadata of all crates for the WebAssembly target. */
export function crateMetadata() {
  const args = [
    "metadata",
    "--format-version",
    "1",
    "--locked",
    "--all-features",
    "--filter-platform",
    TARGET,
  ];
  const { status, stdout, stderr } = spawnSync("cargo", args, {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Failure(`cargo metadata failed: ${stderr}`);
  return JSON.parse(stdout);
}

/**
 * The crates that are compiled, with all features: those that are only used to build or test are not in the
 * package.
 */
function crates(lock) {
  const { packages, resolve } = crateMetadata();
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const compiledBy = (id) =>
    nodes
      .get(id)
      .deps.filter(({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null))
      .map(({ pkg }) => pkg);
  const ids = reached(resolve.root, compiledBy);
  const known = new Map(packages.map((one) => [one.id, one]));
  const refOf = (id) => `pkg:cargo/${known.get(id).name}@${known.get(id).version}`;
  const parts = ids.map((id) => {
    const { name, version, license } = known.get(id);
    const checksum = lock.package.find((one) => one.name === name && one.version === version)?.checksum;
    return partOf({ name, version, license, ref: refOf(id) }, "SHA-256", checksum, compiledBy(id).map(refOf));
  });
  return { parts, direct: compiledBy(resolve.root).map(refOf) };
}

/** The npm libraries that the sources import, which are bundled, with the libraries that these import. */
function libraries(packages) {
  const sources = readdirSync(join(ROOT, "js"), { recursive: true }).filter((path) => path.endsWith(".ts"));
  const names = sources.flatMap((path) =>
    [
      ...readFileSync(join(ROOT, "js", path), "utf8").matchAll(
        /^(?:import|export)\b[^;]*?from "([^".][^"]*)";/gms,
      ),
    ]
      .map(([, from]) => /^(?:@[^/]+\/)?[^/]+/.exec(from)[0])
      .filter((name) => !/^node:|^tabsense(-|$)/.test(name)),
  );
  const direct = [...new Set(names)].sort();
  const importedBy = (name) => Object.keys(packages[`node_modules/${name}`].dependencies ?? {});
  const all = [...new Set([...direct, ...direct.flatMap((name) => reached(name, importedBy))])].sort();
  const refOf = (name) => `pkg:npm/${name.replace("@", "%40")}@${packages[`node_modules/${name}`].version}`;
  const parts = all.map((name) => {
    const { version, license, integrity } = packages[`node_modules/${name}`];
    const digest = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
    return partOf(
      { name, version, license, ref: refOf(name) },
      "SHA-512",
      digest,
      importedBy(name).map(refOf),
    );
  });
  return { parts, direct: direct.map(refOf) };
}

/** Everything that can be reached from `start`, which is left out, in a fixed order. */
function reached(start, next) {
  const seen = new Set();
  const waiting = [start];
  while (waiting.length > 0)
    for (const one of next(waiting.pop()))
      if (!seen.has(one)) {
        seen.add(one);
        waiting.push(one);
      }
  return [...seen].sort();
}

function partOf({ name, version, license, ref }, alg, content, dependsOn) {
  const hashes = content ? [{ alg, content }] : [];
  const component = { type: "library", "bom-ref": ref, name, version, purl: ref, hashes };
  return {
    component: { ...component, licenses: licensesOf(license) },
    dependsOn: [...new Set(dependsOn)].sort(),
  };
}

/** Older crates separate licences with a slash, which means OR. */
function licensesOf(expression) {
  return expression ? [{ expression: expression.replaceAll("/", " OR ") }] : [];
}

await main(import.meta.url, async ([file]) => {
  if (!file) throw new Failure("Name the file to write, for example: npm run sbom tabsense.cdx.json");
  await setUpBuild();
  const bill = await sbom();
  writeFileSync(file, `${JSON.stringify(bill, null, 2)}\n`);
  console.log(`${file}: ${bill.components.length} components`);
});
