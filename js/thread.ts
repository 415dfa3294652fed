/** The entry point of a web worker that helps the classifier's. */

import { startHelping, type HelperReply, type HelperRequest } from "./threads.js";

const scope = globalThis as unknown as { onmessage: (event: MessageEvent<HelperRequest>) => void; postMessage(reply: HelperReply): void };
const receive = startHelping((reply) => scope.postMessage(reply));
scope.onmessage = ({ data }) => void receive(data);
