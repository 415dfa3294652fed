// The tarball in an empty project: its contents, and that it works in Node, in TypeScript and as a command.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { after, before, test } from "node:test";
import {
  converterVariant,
  enabledVariants,
  readManifest,
  rewriterVariant,
  teacherVariant,
} from "../../scripts/manifest.mjs";
import { installTarball, ROOT } from "./support.mjs";

const TINY = join(ROOT, "test_data/models/tiny-f32");
let installed;
before(() => {
  installed = installTarball();
});
after(() => installed?.remove());

test("the tarball contains only the built package and its documents", () => {
  assert.match(installed.filename, /^tabsense-\d+\.\d+\.\d+\.tgz$/);
  const onlyBundled = [
    "platform/trusted",
    "platform/worker-from-elsewhere",
    "files/browser-store",
    "builds-simd",
    "start-worker",
    "start-worker-simd",
  ];
  const onlyTypes = ["platform/browser", "platform/edge"];
  const modules = readdirSync(join(ROOT, "js"), { recursive: true })
    .filter((name) => /(?<!\.d)\.ts$/.test(name))
    .map((name) => name.slice(0, -3).replaceAll(sep, "/"))
    .filter((name) => !/^(?:cli|csv)\//.test(name) && !onlyBundled.includes(name));
  const manifest = readManifest();
  const others = [rewriterVariant, teacherVariant, converterVariant].map((variant) => variant(manifest));
  const wasm = [...enabledVariants(manifest), ...others].flatMap(([name]) =>
    ["tabsense.d.ts", "tabsense.js", "tabsense_bg.wasm"].map((file) => `dist/wasm/${name}/${file}`),
  );
  const expected = [
    "CHANGELOG.md",
    "LICENSE",
    "NOTICE",
    "README.md",
    "package.json",
    "dist/THIRD-PARTY-LICENSES.txt",
    "dist/worker-simd.js",
    "dist/wasm-module.d.ts",
    ...wasm,
    ...modules.filter((name) => !onlyTypes.includes(name)).map((name) => `dist/${name}.js`),
    ...modules.map((name) => `dist/${name}.d.ts`),
  ];
  assert.deepEqual(installed.files, expected.sort());
});

test("it contains everything that its modules and types import", () => {
  const dist = join(installed.project, "node_modules/tabsense/dist");
  let imports = 0;
  for (const name of readdirSync(dist, { recursive: true }).filter((name) => /\.(?:js|d\.ts)$/.test(name))) {
    const types = name.endsWith(".d.ts");
    const code = readFileSync(join(dist, name), "utf8");
    for (const [, path] of code.matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      const file = join(dist, dirname(name), types ? path.replace(/\.js$/, ".d.ts") : path);
      assert.ok(existsSync(file), `${name} imports ${path}`);
      imports += 1;
    }
  }
  assert.ok(imports > 100, `only ${imports} imports are read`);
});

test("it classifies in Node", () => {
  const script = `
    import { Classifier, TabsenseError } from "tabsense";
    const classifier = await Classifier.load(${JSON.stringify(TINY)});
    const [best] = await classifier.classify("A delight from start to finish.");
    const error = await classifier.classify(7).catch((error) => error);
    console.log(JSON.stringify([typeof best.label, typeof best.score, error instanceof TabsenseError, error.kind]));
    await classifier.dispose();`;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: installed.project,
    encoding: "utf8",
  });
  assert.deepEqual(JSON.parse(out), ["string", "number", true, "invalid_argument"]);
});

test("CommonJS code can import() it", () => {
  const script = `import("tabsense").then(({ Classifier }) => console.log(typeof Classifier.load));`;
  assert.equal(
    execFileSync(process.execPath, ["--input-type=commonjs", "-e", script], {
      cwd: installed.project,
      encoding: "utf8",
    }).trim(),
    "function",
  );
});

test("its command runs", () => {
  const command = join(installed.project, "node_modules/.bin/tabsense");
  const { status, stdout, stderr } = spawnSync(command, ["a text", "--model", TINY, "--top", "1"], {
    cwd: installed.project,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\S+\t\d\.\d{4}\n$/);
});

test("its command reads CSV without any other package", () => {
  const command = join(installed.project, "node_modules/.bin/tabsense");
  assert.deepEqual(
    Object.keys(
      JSON.parse(execFileSync("npm", ["ls", "--all", "--json"], { cwd: installed.project, encoding: "utf8" }))
        .dependencies,
    ),
    ["tabsense"],
  );
  const { status, stdout, stderr } = spawnSync(command, ["-", "--format", "csv", "--model", TINY], {
    cwd: installed.project,
    encoding: "utf8",
    input: 'id,text\n1,"a ""text"""\n',
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\{"id":"1","text":"a \\"text\\"","label":"[^"]+","score":[\d.]+\}\n$/);
});

test("reports a model that is not in the package as missing", () => {
  const command = join(installed.project, "node_modules/.bin/tabsense");
  const { status, stderr } = spawnSync(command, ["a text"], { cwd: installed.project, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /sentiment-en.*Install the model's package/);
});

test("its types compile in the strictest project", () => {
  writeFileSync(
    join(installed.project, "use.ts"),
    `
    import { Classifier, TabsenseError, type ClassifierInfo, type Detailed, type Device, type ErrorKind, type KernelTime, type Latest, type LoadOptions, type Pair, type Score, type Text, type Verdict } from "tabsense";
    import { score } from "tabsense/lexicon";
    export async function use(files: File[], signal: AbortSignal): Promise<void> {
      const options: LoadOptions = { device: "cpu", dtype: "int8", signal, onProgress: ({ stage, bytes, total, rate }) => console.log(stage, bytes, total ?? 0, rate) };
      const classifier: Classifier = await Classifier.load(files, options);
      const one: Score[] = await classifier.classify("text");
      const many: Score[][] = await classifier.classify(["a", "b"], { topK: null });
      const detailed: Detailed = await classifier.classify("text", { details: true });
      const all: Detailed[] = await classifier.classify(["a"], { details: true, signal });
      const pair: Pair = { text: "a", pair: "b" };
      const mixed: readonly Text[] = ["a", pair];
      const pairs: Score[][] = [await classifier.classify(pair), ...(await classifier.classify(mixed))];
      const info: ClassifierInfo = classifier.info;
      const kind: ErrorKind = new TabsenseError("network", "x").kind;
      const device: Device = info.device;
      const where: string = "reason" in info.webgpu ? info.webgpu.reason : \`\${info.webgpu.adapter} from \${info.webgpu.fromTokens ?? "no"} tokens\`;
      const kernels: KernelTime[] = detailed.timings.kernels ?? [];
      console.log(one, many, pairs, detailed.tokens[0]?.start, all, info.bytes.memory, kind, device, where, kernels[0]?.ms);
      const latest: Latest = classifier.latest();
      const newest: Score[] | null = await latest("text", { topK: 2, signal });
      const newestTokens: string[] | undefined = (await latest("text", { details: true }))?.tokens.map(({ text }) => text);
      const lines: ReadableStream<string> = files[0]!.stream().pipeThrough(new TextDecoderStream());
      for await (const verdict of classifier.stream(lines, { topK: 2 })) {
        const { index, text, pair, scores }: Verdict = verdict;
        console.log(index, text, pair, scores[0]?.label, newest, newestTokens);
        // @ts-expect-error: tokens are for those who ask for details
        console.log(verdict.tokens);
      }
      for await (const { index, tokens } of classifier.stream(["a", "b"], { details: true, signal })) console.log(index, tokens.length);
      // @ts-expect-error: a number is no source of texts
      classifier.stream(7);
      await Classifier.load("x", { device: "webgpu", dtype: "fp16" });
      const instant: Classifier = await Classifier.load("x", { instant: true });
      await instant.ready.then((nothing: void) => nothing, (error: TabsenseError) => console.log(error.kind, instant.info.lexicon ?? ""));
      const source: "lexicon" | "model" | undefined = one[0]?.source;
      const fromWords: Score[] = score("text");
      console.log(source, fromWords, info.warnings.map((warning: string) => warning));
      // @ts-expect-error: a lexicon is no device
      await Classifier.load("x", { device: "lexicon" });
      // @ts-expect-error: there is no such device
      await Classifier.load("x", { device: "tpu" });
      // @ts-expect-error: a number is not a text
      await classifier.classify(7);
      await classifier.dispose();
    }`,
  );
  writeFileSync(
    join(installed.project, "using.ts"),
    `
    import { Classifier } from "tabsense";
    export async function use(): Promise<void> {
      await using classifier = await Classifier.load("x");
      const disposable: AsyncDisposable = classifier;
      await classifier.classify(typeof disposable);
    }`,
  );
  // Only `await using` needs TypeScript's types for it.
  for (const [file, lib] of [
    ["use.ts", "es2022,dom,dom.iterable"],
    ["using.ts", "es2022,dom,dom.iterable,esnext.disposable"],
  ]) {
    for (const module of ["nodenext", "esnext"]) {
      const options = [
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noUncheckedIndexedAccess",
        "--target",
        "es2022",
        "--lib",
        lib,
        "--types",
        "",
        "--module",
        module,
        "--moduleResolution",
        module === "esnext" ? "bundler" : module,
      ];
      const { status, stdout } = spawnSync(
        process.execPath,
        [join(ROOT, "node_modules/.bin/tsc"), ...options, file],
        { cwd: installed.project, encoding: "utf8" },
      );
      assert.equal(status, 0, stdout);
    }
  }
});
