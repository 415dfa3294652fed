// The page for users: tokens and their positions, keyboard, narrow screens, dark mode, contrast.

import assert from "node:assert/strict";
import test from "node:test";
import {
  accessibilityFaults,
  DELIGHT,
  duplicatesIn,
  HOURS,
  unnamedIn,
  openReady,
  overflow,
  quiet,
} from "./harness.mjs";

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const LONG = `${"Averyveryverylongwordwithoutanyspaces".repeat(12)} and then some more words. `.repeat(4);

test("tokens carry their places in the text, pieces are joined, special ones marked", async (t) => {
  const { part, verdict, problems } = await openReady(t);
  const text = "😀 Unquestionably tokenizable, ça va?";
  await verdict(text);
  const tokens = await part("tokens")
    .locator("li")
    .evaluateAll((items) =>
      items.map((item) => {
        const { start, end } = item.firstElementChild.dataset;
        return { kind: item.className, text: item.textContent, start: Number(start), end: Number(end) };
      }),
    );
  assert.deepEqual(
    [tokens[0], tokens.at(-1)].map(({ kind, text: name }) => [kind, name]),
    [
      ["special", "[CLS]"],
      ["special", "[SEP]"],
    ],
  );
  const pieces = tokens.filter(({ kind }) => kind === "piece");
  assert.ok(pieces.length > 0, "a word is in pieces");
  for (const token of tokens.filter(({ kind, text: name }) => kind !== "special" && name !== "[UNK]")) {
    const part = text.slice(token.start, token.end).normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    assert.equal(token.text, part);
  }
  quiet(problems);
});

test("pointing at a token, or walking to it, marks its place in the text", async (t) => {
  const { page, part, verdict, problems } = await openReady(t);
  await verdict("Good film, bad seats");
  const chip = (name) => part("tokens").getByRole("button", { name: new RegExp(`^${name},`) });
  await chip("bad").hover();
  assert.deepEqual(await part("mirror").locator("mark").allTextContents(), ["bad"]);
  assert.match(await part("token-detail").textContent(), /^bad, id \d+, characters 11 to 14$/);
  await page.mouse.move(0, 0);
  assert.equal(await part("mirror").locator("mark").count(), 0);

  await part("tokens").getByRole("button").first().focus();
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await part("mirror").locator("mark").allTextContents(), ["Good"]);
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  assert.deepEqual(await part("mirror").locator("mark").allTextContents(), ["seats"]);
  await page.keyboard.press("Home");
  assert.match(await part("token-detail").textContent(), /^\[CLS\]/);
  quiet(problems);
});

test("the mark lies exactly behind its word", async (t) => {
  const { page, part, verdict } = await openReady(t);
  await verdict("First line\n\nand the last word");
  const [box, mirror] = await Promise.all([part("input").boundingBox(), part("mirror").boundingBox()]);
  assert.deepEqual(box, mirror);
  const fonts = await page.evaluate(() =>
    ["input", "mirror"].map((id) => {
      const style = getComputedStyle(document.querySelector(`[data-testid="${id}"]`));
      return [style.font, style.letterSpacing, style.padding, style.whiteSpace, style.overflowWrap].join("|");
    }),
  );
  assert.equal(fonts[0], fonts[1]);
});

test("works with the keyboard alone, in a sensible order", async (t) => {
  const { page, part, result, problems } = await openReady(t);
  await result();
  const order = [];
  for (let i = 0; i < 42; i += 1) {
    await page.keyboard.press("Tab");
    const id = await page.evaluate(() => {
      const { activeElement } = document;
      const parent = activeElement?.closest('[data-testid="examples"], [data-testid="tokens"]');
      if (activeElement?.matches("summary")) return activeElement.parentElement.dataset.fold;
      return parent?.dataset.testid ?? activeElement?.dataset.testid ?? "";
    });
    if (id && id !== order.at(-1)) order.push(id);
    const outlined = await page.evaluate(() => {
      const held = document.activeElement;
      if (held === document.body) return true;
      const around = held.closest(".paper, .pick, .choice label") ?? held;
      return [held, around].some((element) => {
        const { outlineStyle, boxShadow } = getComputedStyle(element);
        return outlineStyle !== "none" || boxShadow !== "none";
      });
    });
    assert.ok(outlined, `the focus shows on ${id}`);
  }
  assert.deepEqual(order.slice(0, 20), [
    "tab-classify",
    "clear",
    "input",
    "examples",
    "install-text",
    "install-copy",
    "latency",
    "model",
    "catalogue",
    "model-source",
    "model-load",
    "device-auto",
    "dtype-auto",
    "files",
    "tokens",
    "code",
    "code-copy",
    "code-text",
    "compare",
    "privacy",
  ]);

  await part("examples").getByRole("button", { name: "Complaint" }).focus();
  await page.keyboard.press("Enter");
  assert.equal((await result()).label, "NEGATIVE");
  await part("clear").focus();
  await page.keyboard.press("Enter");
  assert.equal(await part("input").evaluate((input) => input === document.activeElement), true);
  await page.keyboard.type(DELIGHT.text);
  assert.equal((await result()).label, DELIGHT.label);
  await part("model-source").focus();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("./fixtures/tiny-f32/");
  await page.keyboard.press("Enter");
  await page.waitForFunction(
    () => document.querySelector('[data-testid="model-name"]').textContent === "tiny-f32",
  );
  quiet(problems);
});

test("every control has a name", async (t) => {
  const { page } = await openReady(t);
  assert.deepEqual(await unnamedIn(page.locator("button:visible, input, textarea, [role]")), []);
  assert.deepEqual(await duplicatesIn(page), []);
});

for (const width of [320, 360, 768]) {
  test(`does not scroll sideways at a width of ${width}`, async (t) => {
    const { page, part, verdict, load, status, problems } = await openReady(t, {
      ...PHONE,
      viewport: { width, height: 740 },
    });
    assert.equal(await overflow(page), 0);
    await verdict(LONG);
    assert.equal(await overflow(page), 0, "with a long text");
    await load(`./${"nowhere".repeat(20)}/`);
    await status("error");
    assert.equal(await part("error").isVisible(), true);
    assert.equal(await overflow(page), 0, "with an error");
    quiet(problems, /404 \(Not Found\)/);
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing: contrasts, roles and names, ${colorScheme}`, async (t) => {
    const { page, part, verdict, problems } = await openReady(t, { colorScheme });
    await verdict(HOURS.text);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(Number(/\d+/.exec(ground)[0]) > 127, colorScheme === "light", ground);
    assert.deepEqual(await accessibilityFaults(page), []);
    await part("tab-benchmark").click();
    await part("bench-run").waitFor();
    assert.deepEqual(await accessibilityFaults(page), [], "in the other tab");
    quiet(problems);
  });
}

test("nothing moves with reduced motion", async (t) => {
  const { page } = await openReady(t, { reducedMotion: "reduce" });
  const moving = await page.locator("body *").evaluateAll((elements) =>
    elements
      .filter((element) => {
        const { transitionDuration, animationName } = getComputedStyle(element);
        return element.isConnected && (transitionDuration !== "0s" || animationName !== "none");
      })
      .map((element) => element.outerHTML),
  );
  assert.deepEqual(moving, []);
});
