// The Teach tab: labels and examples in, a classifier out, which answers, is evaluated, saved and reopened.

import assert from "node:assert/strict";
import { readFileSync, rmSync, cpSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { drop } from "./file-tab.mjs";
import { quiet, scratch, TINY } from "./harness.mjs";
import { assertLabels, ENCODER, openTab, openTaught } from "./labs.mjs";

const WEIGHTS = "/models/minilm-en/model.safetensors";
const STARTER = ["billing", "bug", "account", "idea"];
const JANK_MS = 2_000; // pasting 15,000 lines takes the browser itself a few hundred milliseconds
const REAL = { models: { encoder: ENCODER.folder } };

test("the encoder is fetched when someone asks for it, once for Teach and Zero-shot", async (t) => {
  const { server, page, part, load, problems } = await openTab(t, "teach");
  assert.match(await part("teach-gate-words").textContent(), /^minilm-en is needed: .+, \d+\.\d MB, /);
  assert.match(await part("teach-gate-load").textContent(), /^Load \d+\.\d MB$/);
  await page.waitForSelector('[data-testid="status"][data-state="ready"]');
  assert.deepEqual(
    server.asked.filter((path) => path.startsWith("/models/minilm-en/")),
    [],
  );
  await load();
  await part("tab-zero-shot").click();
  await page.waitForSelector('[data-testid="zero-gate"][data-state="ready"]');
  await page.waitForSelector('[data-testid="zero-result"][data-label]');
  assert.equal(server.asked.filter((path) => path === WEIGHTS).length, 1);
  quiet(problems);
});

test("a download shows how far it is, and can be cancelled and started again", async (t) => {
  const { server, page, part, gate, waitForText, focused, problems } = await openTab(t, "teach");
  const release = server.hold(WEIGHTS);
  const height = () => part("teach-gate").evaluate((box) => box.getBoundingClientRect().height);
  const before = await height();
  await part("teach-gate-load").focus();
  await page.keyboard.press("Enter");
  await waitForText("teach-gate-words", /weights .+ of 384 kB/);
  assert.equal(await focused(), "teach-gate-cancel", "the focus goes to what there is to do");
  const bar = part("teach-gate").getByRole("progressbar");
  assert.ok(Number(await bar.getAttribute("aria-valuenow")) < 90);
  await page.keyboard.press("Enter");
  await gate("absent");
  assert.equal(await focused(), "teach-gate-load");
  release();
  await page.keyboard.press("Enter");
  await gate("ready");
  assert.equal(await height(), before, "nothing below it moves");
  quiet(problems);
});

test("a model that doesn't come says why, and can be tried again", async (t) => {
  const folder = scratch(t);
  cpSync(TINY, folder, { recursive: true });
  rmSync(join(folder, "model.safetensors"));
  const { part, gate, load, problems } = await openTab(t, "teach", { models: { encoder: folder } });
  await part("teach-gate-load").click();
  await gate("failed");
  assert.match(await part("teach-gate-words").textContent(), /^minilm-en could not be loaded\. .*404/);
  cpSync(TINY, folder, { recursive: true });
  await load();
  quiet(problems, /404/);
});

test("the starter examples are trained at once, and their leave-one-out accuracy is shown as they grow", async (t) => {
  const { page, part, problems } = await openTaught(t);
  assert.match(await part("teach-finding").textContent(), /^\d+ of 20 correct$/);
  assert.match(await part("teach-accuracy").textContent(), /^\d+ %$/);
  assert.match(await part("teach-growth-words").textContent(), /^\d+ % with 4 examples, \d+ % with 20\.$/);
  const rows = await part("teach-metrics")
    .locator("tbody tr")
    .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.deepEqual(
    rows.map(([label, examples]) => [label, examples]),
    STARTER.map((label) => [label, "5"]),
  );
  for (const [, , precision, recall] of rows) assert.match(`${precision} ${recall}`, /^(\d+ %|–) \d+ %$/);
  await page.waitForSelector('[data-testid="teach-result"][data-label]');
  const labels = await part("teach-bars").locator(".bar-label").allTextContents();
  assert.deepEqual(labels, STARTER, "bars of few labels keep their places");
  quiet(problems);
});

test("the real encoder classifies new requests, and finds an example under the wrong label", {
  skip: ENCODER.skip,
}, async (t) => {
  const { page, part, waitForText, waitForExamples, chips, problems } = await openTaught(t, REAL);
  assert.ok(Number.parseInt(await part("teach-accuracy").textContent(), 10) >= 80);
  for (const [text, label] of [
    ["You took the money two times", "billing"],
    ["The window closes by itself when I press save", "bug"],
    ["My login doesn't work", "account"],
  ]) {
    await part("teach-input").fill(text);
    await page.waitForSelector(`[data-testid="teach-result"][data-label="${label}"]`);
  }
  await part("teach-labels-list").getByRole("button", { name: /^bug/ }).click();
  const lines = await part("teach-lines").inputValue();
  await part("teach-lines").fill(`${lines}\nRefund the payment that was charged twice on my invoice`);
  await waitForExamples(21);
  await waitForText("teach-doubtful", /Refund the payment.+under bug; the other examples suggest billing/);
  assert.match(await part("teach-confused").textContent(), /bug taken for billing once/);
  await part("teach-doubtful").getByRole("button", { name: "Make it billing" }).first().click();
  await page.waitForFunction(
    () =>
      !document.querySelector('[data-testid="teach-doubtful"]').textContent.includes("Refund the payment"),
  );
  assert.deepEqual((await chips()).slice(0, 2), [
    ["billing", "6"],
    ["bug", "5"],
  ]);
  quiet(problems);
});

test("a text becomes an example of the label that it should have", async (t) => {
  const { page, part, waitForExamples, problems } = await openTaught(t);
  await part("teach-input").fill("  Where is   my parcel? ");
  await part("teach-correct-label").selectOption("idea");
  await part("teach-correct-add").click();
  await waitForExamples(21);
  await part("teach-labels-list").getByRole("button", { name: /^idea/ }).click();
  assert.equal((await part("teach-lines").inputValue()).split("\n").at(-1), "Where is my parcel?");
  await part("teach-correct-label").selectOption("bug");
  await part("teach-correct-add").click();
  await page.waitForFunction(
    () => !document.querySelector('[data-testid="teach-lines"]').value.includes("parcel"),
  );
  await waitForExamples(21);
  quiet(problems);
});

test("a verdict below the chosen certainty is not sure", async (t) => {
  const { page, part, waitForText, problems } = await openTaught(t);
  await part("teach-sure").fill("99");
  await page.waitForSelector('[data-testid="teach-result"][data-state="unsure"]');
  await waitForText("teach-verdict", /^Not sure$/);
  assert.equal(await part("teach-bars").locator(".lead").count(), 0);
  assert.equal(await part("teach-sure-shown").textContent(), "99 %");
  await part("teach-sure").fill("1");
  await page.waitForSelector('[data-testid="teach-result"][data-state="ready"]');
  await part("teach-sure").fill("0");
  assert.equal(await part("teach-sure-shown").textContent(), "as calibrated");
  await part("teach-input").fill("  ");
  await page.waitForSelector('[data-testid="teach-result"][data-state="idle"]');
  quiet(problems);
});

test("labels are added and removed with the keyboard alone", async (t) => {
  const { page, part, waitForText, focused, counts, problems } = await openTaught(t);
  const list = part("teach-labels-list");
  await part("teach-labels-field").focus();
  await page.keyboard.type("praise, spam,praise");
  await page.keyboard.press("Enter");
  await assertLabels(list, [...STARTER, "praise", "spam"]);
  await waitForText("teach-lines-label", /^Examples of spam, one per line$/);
  assert.equal(await focused(), "teach-labels-field");
  await page.keyboard.type("spam");
  await page.keyboard.press("Enter");
  assert.equal(await part("teach-labels-why").textContent(), "spam already exists.");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Backspace");
  assert.equal(await focused(), "spam0", "from the empty field to the last chip");
  await page.keyboard.press("Delete");
  await assertLabels(list, [...STARTER, "praise"]);
  assert.equal(await focused(), "praise0");
  await page.keyboard.press("Home");
  await page.keyboard.press("Backspace");
  assert.equal(await counts(), "15 examples, 4 labels");
  for (let left = 4; left > 0; left -= 1) await page.keyboard.press("Delete");
  await assertLabels(list, []);
  assert.equal(await focused(), "teach-labels-field");
  await waitForText("teach-status", /add a second label/);
  assert.equal(await part("teach-download").isDisabled(), true);
  assert.equal(await part("teach-lines").isDisabled(), true);
  quiet(problems);
});

test("duplicate lines count once, and a text under two labels is reported", async (t) => {
  const { part, waitForExamples, counts, problems } = await openTaught(t);
  const lines = part("teach-lines");
  await lines.fill("Refund me\n\n  Refund   me \nWhere is my receipt?\nThe app crashes when I save");
  await waitForExamples(17);
  assert.equal(await counts(), "17 examples, 4 labels");
  assert.match(
    await part("teach-remarks").textContent(),
    /^“The app crashes when I save” is under billing and bug: it counts for billing\.$/,
  );
  assert.equal((await lines.inputValue()).split("\n").length, 5, "what was typed stays");
  quiet(problems);
});

test("examples come from tables and from lines", async (t) => {
  const { page, part, waitForText, choose, waitForExamples, counts, chips, problems } = await openTaught(t);
  const table =
    "id,message,intent\n1,Where is it?,delivery\n2,It is late,delivery\n3,,delivery\n4,Thanks a lot,praise\n5,So kind,praise\n";
  await choose("requests.csv", table);
  await waitForText(
    "teach-intake-words",
    /^requests\.csv: 4 examples of 2 labels; 1 row without a text or a label\.$/,
  );
  await part("teach-intake-add").click();
  await waitForExamples(24);
  assert.equal(await counts(), "24 examples, 6 labels");
  await drop({ page }, "main", (text) => [new File([text], "requests.tsv")], table.replaceAll(",", "\t"));
  await part("teach-intake-label").selectOption("message");
  await waitForText("teach-intake-words", /different columns/);
  await part("teach-intake-label").selectOption("intent");
  await part("teach-intake-take").click();
  await waitForExamples(4);
  assert.deepEqual(await chips(), [
    ["delivery", "2"],
    ["praise", "2"],
  ]);
  await part("teach-labels-list")
    .getByRole("button", { name: /^praise/ })
    .click();
  await choose("more.txt", "Well done\n\nPerfect\n");
  await waitForExamples(6);
  await choose("alone.csv", "text\nOne column\nalone\n");
  await waitForText("teach-error-message", /^alone\.csv has only one column\./);
  await part("teach-error-dismiss").click();
  assert.equal(await part("teach-error").isVisible(), false);
  quiet(problems);
});

test("what is downloaded is opened again, with its examples or without", async (t) => {
  const { page, part, waitForText, choose, counts, problems } = await openTaught(t);
  const save = async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), part("teach-download").click()]);
    assert.equal(download.suggestedFilename(), "my-labels.json");
    return readFileSync(await download.path(), "utf8");
  };
  const shares = () => part("teach-bars").locator(".share").allTextContents();
  const before = await shares();
  const whole = await save();
  await part("teach-with-examples").uncheck();
  const bare = await save();
  assert.ok(!bare.includes("crashes when I save") && whole.includes("crashes when I save"));
  await part("teach-clear").click();
  assert.equal(await counts(), "0 examples, 0 labels");
  await choose("mine.json", whole);
  await waitForText("teach-finding", /^\d+ of 20 correct$/);
  assert.equal(await counts(), "20 examples, 4 labels");

  await part("teach-clear").click();
  await choose("bare.json", bare);
  await waitForText("teach-status", /without its examples/);
  await page.waitForSelector('[data-testid="teach-result"][data-label]');
  assert.deepEqual(await shares(), before);
  await choose("cut.json", whole.slice(0, -20));
  await waitForText("teach-error-message", /no JSON|damaged|cut/);
  await choose("changed.json", whole.replace('"multi":false', '"multi":true'));
  await waitForText("teach-error-message", /changed or damaged/);
  quiet(problems);
});

test("a long training shows its progress and can be stopped", async (t) => {
  const { page, part, waitForText, waitForExamples, problems } = await openTaught(t);
  const many = Array.from({ length: 15_000 }, (_, at) => `Refund number ${at} of the order, please`);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate((text) => navigator.clipboard.writeText(text), many.join("\n"));
  await part("teach-lines").focus();
  await page.keyboard.press("ControlOrMeta+A");
  await page.evaluate(() => {
    window.longest = 0;
    let last = performance.now();
    const frame = (now) => {
      window.longest = Math.max(window.longest, now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await page.keyboard.press("ControlOrMeta+V");
  await page.waitForSelector('[data-testid="teach-status"][data-state="learning"]');
  await waitForText("teach-status", /^(Reading: .+ of .+ texts|Training: \d+ %|Training …)$/);
  await part("teach-stop").focus();
  await page.keyboard.press("Enter");
  await waitForText("teach-status", /^Stopped: answers come from the previous training\.$/);
  const longest = await page.evaluate(() => window.longest);
  assert.ok(longest < JANK_MS, `no frame takes ${longest} ms`);
  await part("teach-input").fill("It still answers");
  await page.waitForSelector('[data-testid="teach-result"][data-label]');
  await part("teach-lines").fill("Refund me");
  await waitForExamples(16);
  quiet(problems);
});

test("more examples than the tab takes are refused with the numbers", async (t) => {
  const { part, waitForText, choose, counts, problems } = await openTaught(t);
  const rows = Array.from({ length: 20_001 }, (_, at) => `text ${at},${at % 2 ? "odd" : "even"}`);
  await choose("many.csv", `text,label\n${rows.join("\n")}`);
  await part("teach-intake-take").click();
  await waitForText("teach-error-message", /20.001 examples, but this tab allows at most 20.000/);
  assert.equal(await counts(), "20 examples, 4 labels");
  quiet(problems);
});

test("the code on show does what the tab did", async (t) => {
  const { part, problems } = await openTaught(t);
  await part("teach-input").fill('Say "hello"');
  const code = await part("teach-code-text").textContent();
  assert.match(code, /Embedder\.load\("minilm-en"\)/);
  assert.match(code, /TaughtClassifier\.from\(await saved\.blob\(\), embedder\)/);
  assert.ok(code.includes('mine.classify("Say \\"hello\\"")'));
  quiet(problems);
});

test("the File tab classifies with what was taught", async (t) => {
  const { page, part, waitUntilTrained, problems } = await openTaught(t);
  await part("tab-file").click();
  await part("file-input").setInputFiles({
    name: "inbox.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("id,text\n1,The app crashes\n2,\n3,Refund me\n4,A new idea\n"),
  });
  await page.waitForSelector('[data-testid="panel-file"][data-state="chosen"]');
  await part("file-classifier").selectOption("taught");
  await part("file-run").click();
  const done = () => page.waitForSelector('[data-testid="panel-file"][data-state="done"]');
  await done();
  const groups = () =>
    part("file-labels")
      .locator("button")
      .evaluateAll((bars) => bars.map((bar) => bar.dataset.group));
  const seen = await groups();
  assert.ok(seen.filter((group) => group !== "no text").length > 0);
  for (const group of seen) assert.ok([...STARTER, "no text", "not sure"].includes(group), group);
  assert.match(await part("file-run-facts").textContent(), /your 4 labels, on minilm-en/);
  assert.match(await part("file-code-text").textContent(), /mine\.classify\(texts\)/);

  await part("tab-teach").click();
  await part("teach-sure").fill("99");
  await waitUntilTrained();
  await part("tab-file").click();
  await part("file-classifier").selectOption("taught");
  await part("file-run").click();
  await done();
  assert.deepEqual((await groups()).toSorted(), ["no text", "not sure"]);
  await part("file-classifier").selectOption("model");
  await part("file-run").click();
  await page.waitForFunction(() =>
    document.querySelector('[data-testid="file-labels"] [data-group="NEGATIVE"]'),
  );
  quiet(problems);
});
