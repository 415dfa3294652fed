// Node's folder of copies, corrupted in every way: a load never fails because of it, or uses corrupt data.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MODELS } from "./models.mjs";
import { loadInNode } from "./node.mjs";
import { nameOf, referencesOf } from "./run.mjs";
import { startRepository, startServer, untilRead } from "./server.mjs";
import { NODE } from "./storage.mjs";

const { files, text, target } = MODELS.single;
const LOAD = fileURLToPath(new URL("load-once.mjs", import.meta.url));

let server, references;

before(async () => {
  server = await startServer();
  references = await referencesOf(server, loadInNode);
});

after(() => server.close());

/** A model, a folder for its copies, and functions that load it and name the outcome. */
async function start(t) {
  const parent = mkdtempSync(join(tmpdir(), "tabsense-storage-"));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const repository = startRepository(files, target);
  const name = t.name.replace(/\W+/g, "-");
  await server.add(name, repository, true);
  const named = (answer) => nameOf(answer, references.single, repository.version);
  const context = {
    store: join(parent, "copies"),
    repository,
    named,
    async load(onRead = () => {}) {
      repository.onRead = onRead;
      return named(await loadInNode(repository, { text, cache: true, store: context.store }));
    },
    /** The paths of the copies, by file name. */
    copies() {
      const { files } = JSON.parse(readFileSync(noteIn(context.store), "utf8"));
      const kept = files.filter(({ body }) => body !== "");
      const pathOf = (body) => join(context.store, `${body}.bin`);
      return Object.fromEntries(kept.map(({ url, body }) => [url.split("/").at(-1), pathOf(body)]));
    },
  };
  return context;
}

function noteIn(store) {
  return join(
    store,
    readdirSync(store).find((name) => name.endsWith(".json")),
  );
}

/** Changes the note of the model that was kept. */
function changeNote(store, change) {
  const path = noteIn(store);
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")))));
}

function changeByte(path) {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(path, bytes);
}

/** Damage to the copies that a first load kept. */
const DAMAGE = {
  "a byte of config.json is changed": ({ copies }) => changeByte(copies()["config.json"]),
  "a byte of tokenizer.json is changed": ({ copies }) => changeByte(copies()["tokenizer.json"]),
  "a byte of model.safetensors is changed": ({ copies }) => changeByte(copies()["model.safetensors"]),
  "a byte of each copy is changed, and the server is gone": ({ copies, repository }) => {
    for (const path of Object.values(copies())) changeByte(path);
    return repository.down();
  },
  "a copy is cut": ({ copies }) => {
    const path = copies()["model.safetensors"];
    writeFileSync(path, readFileSync(path).subarray(0, 1000));
  },
  "a copy is gone": ({ copies }) => rmSync(copies()["tokenizer.json"]),
  "a copy is that of another version": ({ copies }) =>
    writeFileSync(copies()["model.safetensors"], files.new["model.safetensors"]),
  "the note is cut": ({ store }) => {
    const path = noteIn(store);
    writeFileSync(path, readFileSync(path).subarray(0, 100));
  },
  "the note is of an earlier version of the package": ({ store }) =>
    changeNote(store, ({ choices, ...note }) => note),
  "the note is of a later version of the package": ({ store }) =>
    changeNote(store, (note) => ({
      ...note,
      format: 2,
      choices: { ...note.choices, "a later choice": ["https://example.test/weights"] },
      files: note.files.map((file) => ({ ...file, packed: true })),
    })),
};

const FAILURES = {
  ...Object.fromEntries(
    Object.entries(DAMAGE).map(([name, damage]) => [
      name,
      async (context) => {
        assert.equal(await context.load(), "answer");
        await damage(context);
        return context.load();
      },
    ]),
  ),
  "the folder is a file": ({ store, load }) => (writeFileSync(store, ""), load()),
  "the folder is below a file": (context) => {
    writeFileSync(context.store, "");
    context.store = join(context.store, "copies");
    return context.load();
  },
  "the folder is a link to nothing": ({ store, load }) => (symlinkSync(`${store}-gone`, store), load()),
  async "a folder is in the place of the note"({ store, load }) {
    assert.equal(await load(), "answer");
    const path = noteIn(store);
    rmSync(path);
    mkdirSync(path);
    return load();
  },
  async "files of more than 100 KB can't be written"(context) {
    // In blocks of 512 bytes.
    const outcome = await loadInProcess(context, "ulimit -f 200; ");
    assert.ok(
      readdirSync(context.store).every((name) => !/json|part/.test(name)),
      "nothing counts as kept",
    );
    return outcome;
  },
  async "the folder is deleted while copies are read"({ store, load }) {
    assert.equal(await load(), "answer");
    return load(() => rmSync(store, { recursive: true, force: true }));
  },
  "the folder is deleted while copies are written": ({ store, load }) =>
    load(() => rmSync(store, { recursive: true, force: true })),
  async "two processes load at once"(context) {
    const outcomes = await Promise.all([loadInProcess(context), loadInProcess(context)]);
    assert.deepEqual(outcomes, ["answer", "answer"]);
    await context.repository.down();
    return context.load();
  },
  async "a process is killed while it loads"({ store, repository, load }) {
    repository.arm(async (exchange) => {
      const { status, headers, body } = exchange.plain();
      await exchange.head(status, { ...headers, "content-length": body.length });
      await exchange.write(body.subarray(0, body.length >> 1));
      await untilRead(repository);
      child.kill("SIGKILL");
    });
    const child = spawn(process.execPath, [LOAD, repository.url, store, text], { stdio: "ignore" });
    await once(child, "exit");
    repository.disarm();
    return load();
  },
};

/** Loads in a separate process, which a shell starts after `prelude`. */
async function loadInProcess({ store, repository, named }, prelude = "") {
  const command = `${prelude}exec "$0" "$@"`;
  const args = ["-c", command, process.execPath, LOAD, repository.url, store, text];
  const { stdout } = await promisify(execFile)("sh", args);
  return named(JSON.parse(stdout));
}

describe("storage that fails, in Node", { concurrency: 8 }, () => {
  for (const [name, expected] of Object.entries(NODE)) {
    test(name, async (t) => {
      const context = await start(t);
      assert.equal(await FAILURES[name](context), expected);
      // In any case, the next load is right, and so are the copies that it keeps.
      await context.repository.up();
      const again = await context.load();
      assert.equal(again, "answer", "the next load");
      context.repository.version = "new";
      assert.equal(await context.load(), "answer", "a new version");
    });
  }
});
