/** Node's HTTP server: it cuts off slow clients, limits connections, and ends without losing a call. */

import { Server } from "node:net";
import { serve } from "@hono/node-server";

/** Milliseconds that the calls under way have when the service is told to end. */
const GRACE = 10_000;

/** Milliseconds that a connection without a call is kept when the service ends: one may be on its way. */
const LINGER = 500;

/** What a client may take of the service before it has asked anything: slow clients do so on purpose. */
const CLIENTS = {
  /** Connections at a time; further ones are closed at once. Each may hold a body of the size limit. */
  connections: 256,
  /** Milliseconds for the headers of a request, from the connection or the answer before on. */
  headers: 10_000,
  /** Milliseconds for the whole request. */
  request: 30_000,
  /** Milliseconds between two looks at who is late. */
  check: 1_000,
};

/**
 * Serves `app`; port 0 takes any that is free, and `clients` replace some of {@link CLIENTS}. Yields
 * `{ url, stop }`. `stop()` takes no more calls, waits `grace` milliseconds at most for those under way, and
 * frees the model.
 */
export async function listen(app, model, { port, host, clients: given = {}, grace = GRACE }) {
  const clients = { ...CLIENTS, ...given };
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
      server.close(); // it looks for slow clients until then
      await model.dispose();
    },
  };
}
