/**
 * The entry point of a helper thread in a browser. It announces itself once, and receives a port for
 * messages.
 */

import { startHelping, type HelperRequest } from "./worker/threads.js";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<MessagePort>) => void;
  postMessage(message: null): void;
};
scope.onmessage = ({ data: port }) => {
  const receive = startHelping((reply) => port.postMessage(reply));
  port.onmessage = ({ data }: MessageEvent<HelperRequest>) => void receive(data);
};
scope.postMessage(null);
