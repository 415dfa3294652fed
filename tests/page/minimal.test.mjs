// The smallest page that classifies, served from the repository's root as its comment says.

import assert from "node:assert/strict";
import test from "node:test";
import { serve } from "../../scripts/serve.mjs";
import { DELIGHT, HOURS, open, quiet, ROOT } from "./harness.mjs";

test("examples/minimal classifies", async (t) => {
  const server = await serve({ "/": ROOT });
  t.after(server.close);
  const { page, requests, problems } = await open(t, `${server.url}examples/minimal/`);
  for (const { text, label } of [DELIGHT, HOURS]) {
    await page.getByRole("textbox").fill(text);
    await page.getByRole("button").click();
    await page.waitForFunction(
      (expected) => document.querySelector("output").textContent.startsWith(expected),
      label,
    );
    assert.match(await page.locator("output").textContent(), /^(POSITIVE|NEUTRAL|NEGATIVE) 0\.\d{3}$/);
  }
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(server.url)),
    [],
  );
  quiet(problems);
});
