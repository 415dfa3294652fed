/** The web worker's entry point. */

import { browserHost } from "./browser.js";
import type { Reply, Request } from "./protocol.js";
import { startService } from "./service.js";

const scope = globalThis as unknown as { onmessage: (event: MessageEvent<Request>) => void; postMessage(reply: Reply): void };
const service = startService(browserHost, (reply) => scope.postMessage(reply));
scope.onmessage = ({ data }) => service.receive(data);
scope.postMessage({ type: "started" });
