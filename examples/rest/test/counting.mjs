// Imported before node.mjs, this counts the calls that Node's server accepted and those whose answers were
// written, and prints both when the process ends.

import { subscribe } from "node:diagnostics_channel";
import { writeSync } from "node:fs";

const counts = { accepted: 0, answered: 0 };
const isCall = ({ request }) => request.url === "/classify";
subscribe("http.server.request.start", (message) => isCall(message) && counts.accepted++);
subscribe("http.server.response.finish", (message) => isCall(message) && counts.answered++);
process.on("exit", () => writeSync(1, `accepted ${counts.accepted}, answered ${counts.answered}\n`));
