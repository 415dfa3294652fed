/** The entry point of Node's worker thread. */
import { parentPort } from "node:worker_threads";
import { nodeHost } from "./platform/node.js";
import { startService } from "./worker/service.js";
const service = startService(nodeHost, (reply) => parentPort.postMessage(reply));
parentPort.on("message", (request) => service.receive(request));
parentPort.postMessage({ type: "started" });
