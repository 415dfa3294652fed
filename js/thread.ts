/**
 * The entry point of a web worker that helps the classifier's. It says once that it is there, and gets the
 * port to talk through.
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
