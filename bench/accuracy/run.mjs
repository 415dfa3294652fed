// Compares the answers of each build variant and precision with PyTorch's, in headless Chromium.
// `npm run bench:accuracy` builds the package, makes the missing models, and calls this.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium as browsers } from "playwright-core";
import { ROOT } from "../../scripts/run.mjs";
import { serve } from "../../scripts/serve.mjs";
import { softmax } from "../measure/check.mjs";

/** The opcode of f32x4.relaxed_madd, which identifies the package's probe for relaxed SIMD. */
const RELAXED_OPCODE = [253, 133, 2];

/**
 * Makes the worker's engine report that it lacks relaxed SIMD. Self-contained,
 * because it is injected as text.
 */
function withoutRelaxed(opcode) {
  const validate = WebAssembly.validate.bind(WebAssembly);
  WebAssembly.validate = (bytes) => !new Uint8Array(bytes).join().includes(opcode.join()) && validate(bytes);
}

/**
 * Runs each variant (names from wasm-pack.toml) on each model (`{ dtype, folder }`) and compares its answers
 * with `rows` (`{ text, label, logits }`). Calls `onResult` with each result: `{ variant, dtype, agreement,
 * accuracy, mean, largest, hash, encoderBytes, fileBytes }`. Shares are between 0 and 1.
 */
export async function measureAccuracy({ chromium, variants, models, rows, onResult }) {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const mounts = Object.fromEntries(
    models.map(({ dtype, folder }) => [`/models/${dtype}/`, join(ROOT, folder)]),
  );
  const server = await serve({ "/": here, "/package/": join(ROOT, "dist"), ...mounts }, { isolated: true });
  const browser = await browsers.launch({
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-background-networking"],
  });
  try {
    for (const { dtype, folder } of models) {
      for (const variant of variants) {
        const page = await pageOf(browser, server.url, variant);
        const threads = variant.endsWith("-threads") ? 2 : 1;
        const answers = await page.evaluate((request) => window.answers(request), {
          model: `models/${dtype}/`,
          threads,
          texts: rows.map(({ text }) => text),
        });
        await page.close();
        if (answers.build !== variant || answers.dtype !== engineDtype(dtype, variant))
          throw new Error(`${variant}, ${dtype}: the page ran ${answers.build}, ${answers.dtype}.`);
        onResult({
          variant,
          dtype,
          ...compare(answers, rows),
          encoderBytes: encoderBytes(join(ROOT, folder)),
          fileBytes: answers.fileBytes,
        });
      }
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

/**
 * The dtype in which a build stores weights of `dtype`: without relaxed SIMD, it computes
 * with int4 weights as int8.
 */
function engineDtype(dtype, variant) {
  return dtype === "int4" && variant.startsWith("simd") ? "int8" : dtype;
}

/** Opens a page in which the package picks `variant`, with or without threads. */
async function pageOf(browser, url, variant) {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  if (!variant.startsWith("relaxed")) {
    const stub = `(${withoutRelaxed})(${JSON.stringify(RELAXED_OPCODE)});\n`;
    // The worker chooses the build when it loads a model.
    await page.route("**/package/worker.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: stub + (await response.text()) });
    });
  }
  await page.goto(url);
  await page.waitForFunction(() => "answers" in window);
  return page;
}

/** Compares a single-label model's scores with PyTorch's logits and with the true labels (ids). */
export function compare({ scores }, rows) {
  let same = 0;
  let right = 0;
  let sum = 0;
  let largest = 0;
  for (const [i, { label, logits }] of rows.entries()) {
    const expected = softmax(logits);
    const answer = best(scores[i]);
    same += Number(answer === best(expected));
    right += Number(answer === label);
    const difference = Math.max(...expected.map((p, id) => Math.abs(p - scores[i][id])));
    sum += difference;
    largest = Math.max(largest, difference);
  }
  const hash = createHash("sha256").update(Float64Array.from(scores.flat())).digest("hex").slice(0, 12);
  return {
    agreement: same / rows.length,
    accuracy: right / rows.length,
    mean: sum / rows.length,
    largest,
    hash,
  };
}

/** The share of `rows` that PyTorch's own answers get right. */
export function accuracyOf(rows) {
  return rows.filter(({ label, logits }) => best(logits) === label).length / rows.length;
}

/** Bytes of the layers' matrices, with their scales. */
export function encoderBytes(folder) {
  const file = readFileSync(join(folder, "model.safetensors"));
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString());
  const matrices = Object.entries(header).filter(
    ([name, { shape }]) =>
      /\.layer\.\d+\..*\.weight(_scale)?$/.test(name) && (shape?.length === 2 || name.endsWith("_scale")),
  );
  return matrices.reduce(
    (
      bytes,
      [
        ,
        {
          data_offsets: [from, to],
        },
      ],
    ) => bytes + to - from,
    0,
  );
}

function best(values) {
  return values.indexOf(Math.max(...values));
}
