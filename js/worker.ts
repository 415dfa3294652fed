/** The web worker's entry point. */

import { browserHost } from "./platform/browser.js";
import type { Reply, Request } from "./client/protocol.js";
import { startService } from "./worker/service.js";
import type { HelperReply, StartHelperRequest, StartHelper } from "./worker/threads.js";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(reply: Reply | StartHelperRequest, transfer?: Transferable[]): void;
};

/** Requests a helper from the page, which starts it. */
const startHelper: StartHelper = (onReply) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<HelperReply>) => onReply(data);
  scope.postMessage({ type: "helper", port: port2 }, [port2]);
  return { send: (request) => port1.postMessage(request) };
};

const service = startService({ ...browserHost, startHelper }, (reply) => scope.postMessage(reply));
scope.onmessage = ({ data }) => service.receive(data);
scope.postMessage({ type: "started" });
