// The agent in a Node process: reads requests as lines of JSON, writes their answers.

import { createInterface } from "node:readline";
import { createAgent } from "../agent.js";

const agent = createAgent((module) => import(`../implementations/${module}`));
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await agent.handle(JSON.parse(line)).then(
    (result) => ({ result }),
    (error) => ({ error: String(error?.stack ?? error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
