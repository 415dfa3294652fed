/** The channel between a classifier and its service, and the interface of a platform. */

import type { TabsenseError } from "../api/errors.js";
import type { ServiceHost } from "../worker/loading.js";
import type { CheckedLoadOptions } from "../api/options.js";
import { within } from "../platform/within.js";
import type { Reply, Request } from "./protocol.js";
import { startService, type Service } from "../worker/service.js";
import type { Resolved } from "../files/sources.js";
import type { Source } from "../api/types.js";

/** How many milliseconds a service has for releasing its resources. A stuck one must not hold up the page. */
export const CLOSE_LIMIT = 1000;

/** A connection to a service. */
export interface Channel {
  /**
   * Called once, before anything is sent. `onBroken` is called when no more answers will come: with kind
   * `"worker_crashed"` if the worker had started, `"environment"` if it could not be started.
   */
  connect(onReply: (reply: Reply) => void, onBroken: (error: TabsenseError) => void): void;
  send(request: Request): void;
  /**
   * Whether an answer is awaited: a Node process must not exit before it arrives, but must not wait for an
   * idle worker.
   */
  keepAlive(waiting: boolean): void;
  /**
   * Ends the service and frees its model. If it `hasResources` (a device, helpers, or copies that are not yet
   * on disk), it finishes with them first, unless that takes too long.
   */
  close(hasResources: boolean): Promise<void>;
}

/** What differs between the browser and Node. */
export interface Platform {
  /** The service's host for `worker: false`. */
  host: ServiceHost;
  startWorker(): Channel;
  /** Where a source's files are. */
  resolve(source: Source, options: CheckedLoadOptions): Promise<Resolved>;
  /** The option `wasm` as an absolute URL. */
  locate(wasm: string): string;
}

/** A service on the calling thread, for `worker: false`. */
export function inPlace(host: ServiceHost): Channel {
  let service: Service | null = null;
  return {
    connect(onReply) {
      service = startService(host, onReply);
    },
    send: (request) => service?.receive(request),
    keepAlive: () => {},
    async close() {
      if (service) await within(CLOSE_LIMIT, service.close());
    },
  };
}
