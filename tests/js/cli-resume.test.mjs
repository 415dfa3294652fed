// An interrupted run is resumed: its output is checked, and no row is lost or written twice.

import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "csv-stringify/sync";
import { classify, objects, scratch, start } from "./command.mjs";
import { TINY } from "./support.mjs";

/** Rows whose ends are hard to find: with quotes, line breaks and characters of several bytes. */
const ROWS = Array.from({ length: 60 }, (_, i) => [
  String(i),
  [`plain ${i}`, `"quoted" ${i}`, `two\nlines ${i}`, `naïve 🎉 ${i}`, `a, b; ${i}`][i % 5],
]);

const INPUTS = {
  "in.csv": stringify([["id", "text"], ...ROWS]),
  "in.jsonl": ROWS.map(([id, text]) => `${JSON.stringify({ id, text })}\n`).join(""),
  "in.txt": ROWS.map(([, text]) => `${text.replace("\n", " ")}\n`).join(""),
};

function resumed(t, input, out, args = []) {
  const result = classify([input, "--out", out, "--resume", ...args]);
  return { ...result, content: existsSync(out) ? readFileSync(out, "utf8") : null };
}

for (const [name, content] of Object.entries(INPUTS)) {
  for (const [format, args] of [
    ["jsonl", []],
    ["csv", ["--top", "all"]],
  ]) {
    test(`${name} to ${format}: resuming from a cut at any byte gives the file of a single run`, (t) => {
      const { path, write } = scratch(t);
      const input = write(name, content);
      const out = path(`out.${format}`);
      assert.equal(
        resumed(t, input, out, args).status,
        0,
        "there is nothing to resume from, which is no error",
      );
      const whole = readFileSync(out);
      const cuts = [
        0,
        whole.indexOf("\n"),
        whole.indexOf("\n") + 1,
        whole.length - 1,
        ...Array.from({ length: 3 }, (_, i) => Math.floor((whole.length * (i + 0.37)) / 3)),
      ];
      // Within a character of several bytes, and within a field of two lines.
      cuts.push(whole.indexOf("🎉") + 2, whole.indexOf("lines") - 1);
      for (const cut of cuts) {
        writeFileSync(out, whole.subarray(0, cut));
        const { status, stderr } = resumed(t, input, out, args);
        assert.equal(status, 0, `cut at ${cut}: ${stderr}`);
        assert.ok(readFileSync(out).equals(whole), `cut at ${cut}`);
      }
    });
  }
}

test("a whole file is left as it is", (t) => {
  const { path, write } = scratch(t);
  const input = write("in.csv", INPUTS["in.csv"]);
  const { content } = resumed(t, input, path("out.csv"));
  assert.equal(resumed(t, input, path("out.csv")).content, content);
});

test("rejects and keeps output of another input or other options", (t) => {
  const { path, write } = scratch(t);
  const input = write("in.csv", INPUTS["in.csv"]);
  const [csv, jsonl] = ["csv", "jsonl"].map((format) => path(`out.${format}`));
  for (const out of [csv, jsonl]) {
    resumed(t, input, out);
    const before = readFileSync(out, "utf8");
    const refused = (args, message, file = input) => {
      const { status, stderr, content } = resumed(t, file, out, args);
      assert.equal(status, 1);
      assert.match(stderr, /^tabsense: invalid_argument: .* can't be resumed: .*--force\.\n$/);
      assert.match(stderr, message);
      assert.equal(content, before);
    };
    refused(
      [],
      /answers don't belong to the row on line \d+ of the input \(answer 4\)/,
      write("other.csv", INPUTS["in.csv"].replace("naïve", "Naïve")),
    );
    refused(
      [],
      /more answers than the input has rows/,
      write("shorter.csv", stringify([["id", "text"], ...ROWS.slice(0, 50)])),
    );
    refused(["--prefix", "my_"], out === csv ? /starts with other columns/ : /answers don't belong/);
    refused(["--top", "2"], out === csv ? /starts with other columns/ : /an answer has another format/);
  }
  for (const [name, from] of [
    ["list.jsonl", []],
    ["bare.csv", ["--no-header", "--column", "2"]],
  ]) {
    const begin = classify([input, "--out", path(name), "--top", "2", ...from]);
    assert.equal(begin.status, 0, begin.stderr);
    for (const top of [[], ["--top", "1"], ["--top", "all"]]) {
      assert.match(
        resumed(t, input, path(name), [...from, ...top]).stderr,
        /can't be resumed: an answer has another form/,
        `${name} ${top}`,
      );
    }
    assert.equal(resumed(t, input, path(name), [...from, "--top", "2"]).status, 0);
  }
  const foreign = write("foreign.jsonl", "something else\n");
  assert.match(classify([input, "--out", foreign, "--resume"]).stderr, /can't be resumed/);
  assert.equal(readFileSync(foreign, "utf8"), "something else\n");
});

test("resumes with an input that has grown", (t) => {
  const { path, write } = scratch(t);
  const input = write("in.txt", "one\ntwo\n");
  resumed(t, input, path("out.jsonl"));
  appendFileSync(input, "three\n");
  assert.deepEqual(
    objects(resumed(t, input, path("out.jsonl")).content).map(({ text }) => text),
    ["one", "two", "three"],
  );
});

test("skipped rows don't affect resuming", (t) => {
  const { path, write } = scratch(t);
  // Without a text: 2, 3, 4 and 8. The 4s are white space and characters that the tokenizer drops.
  const input = write(
    "in.csv",
    `id,text\n1,one\n2\n3,\n4, \t\n4,\u200b\n4,\ufffd\n5,five\n6,${"word ".repeat(60_000)}\n7,seven\n8,\n9,nine\n`,
  );
  const whole = resumed(t, input, path("out.jsonl"), ["--skip-invalid"]).content;
  assert.deepEqual(
    objects(whole).map(({ id }) => id),
    ["1", "5", "6", "7", "9"],
  );
  assert.deepEqual(
    objects(whole).map(({ truncated }) => truncated ?? false),
    [false, false, true, false, false],
  );
  const lines = whole.split("\n");
  for (const count of [0, 2, 3, 5]) {
    writeFileSync(
      path("out.jsonl"),
      lines
        .slice(0, count)
        .map((line) => `${line}\n`)
        .join("") + (lines[count] ?? "").slice(0, 9),
    );
    assert.equal(resumed(t, input, path("out.jsonl"), ["--skip-invalid"]).content, whole, `after ${count}`);
  }
});

test("resumes after an error in a row was fixed", (t) => {
  const { path, write } = scratch(t);
  const good = ROWS.slice(0, 40);
  const input = write("in.csv", `${stringify([["id", "text"], ...good])}40\n`);
  assert.equal(classify([input, "--out", path("out.jsonl")]).status, 1);
  assert.equal(objects(readFileSync(path("out.jsonl"), "utf8")).length, 40);
  write("in.csv", stringify([["id", "text"], ...ROWS]));
  assert.deepEqual(
    objects(resumed(t, input, path("out.jsonl")).content).map(({ id, text }) => [id, text]),
    ROWS,
  );
});

/** Enough rows that a run takes longer than stopping it. */
const ROWS_TO_STOP = 8_000;

/** Runs many texts, and stops the run once some of its answers are on disk. */
async function stopped(t, signal, format) {
  const { path, write } = scratch(t);
  const rows = Array.from({ length: ROWS_TO_STOP }, (_, i) => [
    String(i),
    `text number ${i}, "with" a\nbreak`,
  ]);
  const input = write("in.csv", stringify([["id", "text"], ...rows]));
  const out = path(`out.${format}`);
  const { child, ended } = start(["classify", input, "--model", TINY, "--out", out, "--threads", "2"]);
  while (!existsSync(out) || statSync(out).size < 5_000) await sleep(5);
  child.kill(signal);
  const { how, stderr } = await ended;
  const size = statSync(out).size;
  return { input, out, how, stderr, size };
}

for (const [signal, wanted] of [
  ["SIGKILL", "SIGKILL"],
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  for (const format of ["jsonl", "csv"]) {
    test(`a run to ${format} that is ended by ${signal} can be resumed`, async (t) => {
      const { input, out, how, stderr, size } = await stopped(t, signal, format);
      assert.equal(how, wanted);
      const begun = readFileSync(out);
      if (signal !== "SIGKILL") {
        assert.match(
          stderr,
          new RegExp(
            `^tabsense: stopped by ${signal}; run the same command with --resume to continue\\.\\n$`,
          ),
        );
        assert.ok(begun.toString().endsWith("\n"), "it ends with a complete line");
      }
      const { status, content } = resumed(t, input, out);
      assert.equal(status, 0);
      assert.ok(size < Buffer.byteLength(content), "it was ended before it was done");
      const kept = begun.subarray(0, begun.lastIndexOf("\n", begun.length - 200));
      assert.ok(content.startsWith(kept.toString()), "what was there is kept");
      const fresh = classify([input, ...(format === "csv" ? ["--out-format", "csv"] : [])]).stdout;
      assert.equal(content, fresh);
    });
  }
}

/** Reports on stderr when the command handles signals. */
const READY = [
  "--import",
  `data:text/javascript,${encodeURIComponent('const look = setInterval(() => process.listenerCount("SIGINT") > 0 && (clearInterval(look), process.stderr.write("ready\\n")), 10)')}`,
];

test("Ctrl-C ends a waiting command, which says how to resume if possible", async (t) => {
  const { path, write } = scratch(t);
  for (const [args, hint] of [
    [[], ""],
    [["--out", path("new.jsonl")], "; run the same command with --resume to continue"],
    [
      ["--out", write("old.jsonl", ""), "--force"],
      "; run the same command with --resume in place of --force to continue",
    ],
    [["--out", write("begun.jsonl", ""), "--resume"], "; run the same command to continue"],
    [["--out", "/dev/null", "--json"], ""],
  ]) {
    const { child, ended } = start(["classify", "--model", TINY, ...args], { node: READY });
    await once(child.stderr, "data");
    child.kill("SIGINT");
    const { how, stderr } = await ended;
    assert.deepEqual([how, stderr], [130, `ready\ntabsense: stopped by SIGINT${hint}.\n`]);
  }
});
