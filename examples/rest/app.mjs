/**
 * The service: POST /classify and GET /health. The same app runs on Node (node.mjs) and workerd (worker.mjs).
 * Limits, checks and errors are in service/.
 */

import { Hono } from "hono";
import { createCalls } from "./service/calls.mjs";
import { answerError, RETRY_AFTER } from "./service/errors.mjs";
import { LIMITS, limitBody, readCall } from "./service/requests.mjs";

const METHODS = { "/health": "GET, HEAD", "/classify": "POST" };

/** The app with `model` (see service/model.mjs); `limits` override those in {@link LIMITS}. */
export function createApp({ model, limits: overrides = {} }) {
  const limits = { ...LIMITS, ...overrides };
  const calls = createCalls(limits);
  const app = new Hono();

  app.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
    // A connection that is kept alive could bring the next call just as the service stops.
    if (model.status() === "stopping") c.header("connection", "close");
  });

  app.post("/classify", limitBody(limits), async (c) => {
    const { texts, topK } = await readCall(c, limits);
    const results = await calls.run(c, model, (classifier, signal) =>
      classifier.classify(texts, { topK, signal }),
    );
    return c.json({ results });
  });

  app.get("/health", (c) => {
    const status = model.status();
    // If nothing calls a service that isn't healthy, nothing else would load its model.
    if (status === "idle" || status === "failed") model.get(c.env).catch(() => {});
    if (status !== "ready") c.header("retry-after", String(RETRY_AFTER));
    return c.json({ status, calls: calls.count }, status === "ready" ? 200 : 503);
  });

  for (const [path, methods] of Object.entries(METHODS)) {
    app.all(path, (c) => {
      const message = `${path} accepts ${methods} only.`;
      return c.json({ error: { kind: "method_not_allowed", message } }, 405, { allow: methods });
    });
  }
  app.notFound((c) => {
    const message = "Not found. Use POST /classify or GET /health.";
    return c.json({ error: { kind: "not_found", message } }, 404);
  });
  app.onError(answerError);
  return app;
}
