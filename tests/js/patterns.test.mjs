// Patterns of personal data: what they match, what they don't, and that hostile texts take linear time only.

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPatterns, findPatterns } from "../../dist/redact/patterns.js";
import { PATTERN_NAMES } from "../../dist/redact/types.js";

const find = (name, text) => findPatterns(text, checkPatterns([name])).map(({ text }) => text);

/** Texts, and the matches of each pattern. */
const FOUND = {
  email: [
    ["write to ana.ruiz+news@example.co.uk, please", ["ana.ruiz+news@example.co.uk"]],
    ["<Bo@Example.COM>; 'o'neil@mail.example.org'.", ["Bo@Example.COM", "o'neil@mail.example.org"]],
    [
      "mailto:a_b@x-y.io?subject=hi jürgen@münchen.de 用户@例子.中国",
      ["a_b@x-y.io", "jürgen@münchen.de", "用户@例子.中国"],
    ],
    [
      "a@b.co,c@d.co a@b.co@e.co x@xn--bcher-kva.xn--p1ai",
      ["a@b.co", "c@d.co", "a@b.co", "x@xn--bcher-kva.xn--p1ai"],
    ],
    ["@ana, 3 @ 4.50, a@b, ana@localhost, x.@y.com, me@1.5", []],
  ],
  iban: [
    ["GB82 WEST 1234 5698 7654 32 thanks", ["GB82 WEST 1234 5698 7654 32"]],
    ["de89370400440532013000.", ["de89370400440532013000"]],
    [
      "(FR14-2004-1010-0505-0001-3M02-606), NO93 8601 1117 947",
      ["FR14-2004-1010-0505-0001-3M02-606", "NO93 8601 1117 947"],
    ],
    ["MT84 MALT 0110 0001 2345 MTLC AST0 01S", ["MT84 MALT 0110 0001 2345 MTLC AST0 01S"]],
    ["GB82 WEST 1234 5698 7654 33; DE8937040044053201300; GB82WEST123456987654321", []],
    ["XX12 3456 7890 1234; XGB82WEST12345698765432; GB82  WEST 1234 5698 7654 32", []],
  ],
  card: [
    ["4111 1111 1111 1111, 378282246310005", ["4111 1111 1111 1111", "378282246310005"]],
    ["card 5555-5555-5555-4444 123 12/27", ["5555-5555-5555-4444"]],
    [
      "30569309025904 6011111111111117 3530111333300000 2223003122003222",
      ["30569309025904", "6011111111111117", "3530111333300000", "2223003122003222"],
    ],
    ["no. 1 4111.1111.1111.1111", ["4111.1111.1111.1111"]],
    ["4222222222222", ["4222222222222"]],
    ["6304000000000000", ["6304000000000000"]],
    ["4111 1111 1111 1112, 1234 5678 9012 3452, 4111  1111 1111 1111", []],
    ["41111111111111111111111, 0000000000000000, A4111111111111111, 4111111111111111b", []],
  ],
  ip: [
    ["from 192.168.0.1, to 10.0.0.255:8080.", ["192.168.0.1", "10.0.0.255"]],
    [
      "[2001:db8::8a2e:370:7334]; fe80::1; ::1; ::ffff:192.0.2.1",
      ["2001:db8::8a2e:370:7334", "fe80::1", "::1", "::ffff:192.0.2.1"],
    ],
    ["2001:0db8:85a3:0000:0000:8a2e:0370:7334", ["2001:0db8:85a3:0000:0000:8a2e:0370:7334"]],
    ["version 1.2.3.4, v1.2.3.4, 1.2.3, 1.2.3.4.5, 256.1.1.1, 01.2.3.4, 1.2.3.4-beta", []],
    ["12:30:45, std::vector, a::b, 1:2:3:4:5:6:7, ::, 12::34::56, 00:1A:2B:3C:4D:5E", []],
  ],
  url: [
    [
      "see https://example.com/a?b=c#d, or (www.example.org).",
      ["https://example.com/a?b=c#d", "www.example.org"],
    ],
    [
      "https://en.wikipedia.org/wiki/Rust_(film) HTTP://X.Y/",
      ["https://en.wikipedia.org/wiki/Rust_(film)", "HTTP://X.Y/"],
    ],
    ['"https://a.example/x" <https://b.example>', ["https://a.example/x", "https://b.example"]],
    ["https:// http www. awww.that example.com", []],
  ],
};

for (const [name, cases] of Object.entries(FOUND))
  test(`what the pattern ${name} finds, and what it leaves`, () => {
    for (const [text, found] of cases) assert.deepEqual(find(name, text), found, text);
  });

test("rejects an IBAN or a card number with a digit changed or two swapped", () => {
  const change = (text, i) => text.slice(0, i) + ((Number(text[i]) + 1) % 10) + text.slice(i + 1);
  for (const [name, text] of [
    ["iban", "DE89370400440532013000"],
    ["card", "4012888888881881"],
  ]) {
    assert.deepEqual(find(name, text), [text]);
    for (let i = name === "iban" ? 2 : 1; i < text.length; i++)
      assert.deepEqual(find(name, change(text, i)), [], `${i}`);
  }
  assert.deepEqual(find("iban", "DE98370400440532013000"), []);
});

test("entities of patterns name their source", () => {
  const [entity] = findPatterns("at 10.0.0.1", checkPatterns(true));
  const wanted = {
    label: "IP",
    score: 1,
    start: 3,
    end: 11,
    text: "10.0.0.1",
    source: "pattern",
    pattern: "ip",
  };
  assert.deepEqual(entity, wanted);
  assert.deepEqual(findPatterns("at 10.0.0.1", checkPatterns(undefined)), []);
  assert.deepEqual(findPatterns("at 10.0.0.1", checkPatterns(false)), []);
});

test("accepts custom patterns", () => {
  const orders = {
    name: "order",
    label: "ORDER",
    find: (text) =>
      [...text.matchAll(/#\d+/g)].map(({ 0: all, index }) => ({ start: index, end: index + all.length })),
  };
  const found = findPatterns("#123 of a@b.co", checkPatterns([orders, "email"]));
  assert.deepEqual(
    found.map(({ label, pattern, text }) => [label, pattern, text]),
    [
      ["ORDER", "order", "#123"],
      ["EMAIL", "email", "a@b.co"],
    ],
  );
});

test("rejects what is not a pattern, and a match outside the text", () => {
  const refused = (patterns, words) =>
    assert.throws(
      () => findPatterns("text", checkPatterns(patterns)),
      (error) => error.kind === "invalid_argument" && words.test(error.message),
    );
  refused(["e-mail"], /"e-mail" is not a pattern\. Pass true for all, or a list of "email", "iban"/);
  refused("email", /"email" is not a pattern/);
  refused([null], /null is not a pattern/);
  refused([{ name: "x", label: "X" }], /object is not a pattern/);
  refused(
    [{ name: "x", label: "X", find: () => [{ start: 0, end: 5 }] }],
    /"x" found 0 to 5 in a text of 4 characters/,
  );
  refused([{ name: "x", label: "X", find: () => [{ start: 2, end: 2 }] }], /"x" found 2 to 2/);
});

/** Pieces of input on which backtracking patterns are slow, repeated to a megabyte each. */
const HOSTILE = [
  "a",
  "1",
  "@",
  "a@",
  "a.",
  "@a.",
  "a@a.",
  "a-",
  "1 ",
  "4111 ",
  "4",
  "1.",
  "1.1.1.1.",
  ":",
  "1:",
  "::",
  "f:",
  "GB82 ",
  "gb82",
  "GB82WEST1234 ",
  "http://",
  "www.",
  "https://x)",
  "(",
  ".",
  " ",
  "\n",
  "é@",
  "𝒜@𝒜.",
  "%+-'@",
];

for (const name of PATTERN_NAMES)
  test(`the pattern ${name} takes time in proportion to the text`, () => {
    const pattern = checkPatterns([name]);
    for (const unit of HOSTILE) {
      const text = unit.repeat(Math.ceil(2 ** 20 / unit.length));
      // Of the processor: on a busy machine, the clock also counts the waiting.
      const start = process.cpuUsage();
      findPatterns(text, pattern);
      const { user, system } = process.cpuUsage(start);
      const ms = (user + system) / 1000;
      assert.ok(ms < 4000, `${JSON.stringify(unit)}: ${ms} ms of the processor`);
    }
  });
