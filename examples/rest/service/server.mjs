/** Node's HTTP server: it cuts off slow clients, limits connections, and stops without losing a call. */

import { Server } from "node:net";
import { serve } from "@hono/node-server";

/** Milliseconds that the calls under way have when the service stops. */
const GRACE = 10_000;

/** Milliseconds that a connection without a call stays open when the service stops: one may be on its way. */
const LINGER = 500;

/** What clients may use before they send a whole request: slow clients do so on purpose. */
const CLIENTS = {
  /** Connections at a time; further ones are closed at once. Each may buffer a body up to the size limit. */
  connections: 256,
  /** Milliseconds for the headers of a request, starting at the connection or the previous answer. */
  headers: 10_000,
  /** Milliseconds for the whole request. */
  request: 30_000,
  /** Milliseconds between checks for late clients. */
  check: 1_000,
};

/**
 * Serves `app`. Port 0 picks any free port; `clients` override those in {@link CLIENTS}. Resolves to
 * `{ url, stop }`. `stop()` accepts no more calls, waits at most `grace` milliseconds for those under
 * way, and frees the model.
 */
export async function listen(app, model, { port, host, clients: overrides = {}, grace = GRACE }) {
  const clients = { ...CLIENTS, ...overrides };
  const server = await new Promise((resolve, reject) => {
    const starting = serve(
      {
        fetch: app.fetch,
        port,
        hostname: host,
        serverOptions: {
          headersTimeout: clients.headers,
          requestTimeout: clients.request,
          connectionsCheckingInterval: clients.check,
        },
      },
      () => resolve(starting),
    );
    starting.on("error", reject);
  }).catch(async (error) => {
    await model.dispose();
    throw error;
  });
  server.maxConnections = clients.connections;
  return {
    url: `http://${host}:${server.address().port}`,
    async stop() {
      model.stop();
      // The HTTP server's own `close` cuts off connections that look idle, though a call may be on its way.
      const closed = new Promise((resolve) => Server.prototype.close.call(server, resolve));
      const idle = setTimeout(() => server.close(), LINGER);
      const late = setTimeout(() => server.closeAllConnections(), grace);
      await closed;
      clearTimeout(idle);
      clearTimeout(late);
      server.close(); // until then, it checks for slow clients
      await model.dispose();
    },
  };
}
