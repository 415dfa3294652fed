// What a number depends on besides the code: the machine, the browser, the versions. It
// is part of every report.

import { existsSync, readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { output, ROOT } from "../scripts/run.mjs";
import { adapterName } from "./report/format.mjs";

const PACKAGES = {
  "onnxruntime-web": "bench/node_modules/onnxruntime-web",
  "@huggingface/transformers": "bench/node_modules/@huggingface/transformers",
};

/** The machine and the versions; `described` comes from the browser, `python` is the interpreter or null. */
export function systemInfo(described, python) {
  const version = (folder) =>
    existsSync(join(ROOT, folder, "package.json"))
      ? JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")).version
      : null;
  const packages = Object.entries(PACKAGES).map(([name, folder]) => [name, version(folder)]);
  const commit = output("git", ["rev-parse", "--short=10", "HEAD"]);
  return {
    processor: cpus()[0]?.model.trim() ?? process.arch,
    architecture: process.arch,
    avxVnni: avxVnni(),
    cores: cpus().length,
    memory: totalmem(),
    os: osName(),
    browser: described.browser,
    webgpu: described.webgpu && adapterName(described.webgpu),
    node: process.versions.node,
    packages: Object.fromEntries(
      [["tabsense", version(".")], ...packages, ...pythonPackages(python)].filter(([, found]) => found),
    ),
    commit,
    dirty: commit !== null && output("git", ["status", "--porcelain"]) !== "",
  };
}

/**
 * Whether the processor has AVX-VNNI, which V8 uses for products of bytes; null if the
 * system doesn't report it.
 */
function avxVnni() {
  if (!existsSync("/proc/cpuinfo")) return null;
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
  return flags === undefined ? null : /\bavx_vnni\b/.test(flags);
}

/** The system and the first two numbers of its kernel's version: the rest names a machine's own build. */
function osName() {
  const name = existsSync("/etc/os-release")
    ? /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1]
    : null;
  return [name, type(), /^\d+\.\d+/.exec(release())?.[0]].filter(Boolean).join(", ");
}

function pythonPackages(python) {
  const script =
    "import json, importlib.metadata as m, platform\nfound = {'python': platform.python_version()}\nfor n in ('torch', 'transformers', 'onnxruntime'):\n    try: found[n + ' (Python)'] = m.version(n)\n    except m.PackageNotFoundError: pass\nprint(json.dumps(found))";
  const text = python ? output(python, ["-c", script]) : null;
  return text ? Object.entries(JSON.parse(text)) : [];
}
