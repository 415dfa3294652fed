/** The entry point of a helper thread in Node. */

import { parentPort } from "node:worker_threads";
import { startHelping } from "./worker/threads.js";

const receive = startHelping((reply) => parentPort!.postMessage(reply));
parentPort!.on("message", (request) => void receive(request));
