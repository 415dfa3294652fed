// Every network fault in every situation, in Node: a load gives the right answer, or fails with the right
// kind of error.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { loadInNode } from "./node.mjs";
import { referencesOf } from "./run.mjs";
import { startServer } from "./server.mjs";
import { testCases } from "./suite.mjs";

let server, references, folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tabsense-networks-"));
  server = await startServer();
  references = await referencesOf(server, loadInNode);
});

after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

testCases("Node", 16, () => ({
  server,
  load: loadInNode,
  references,
  store: mkdtempSync(join(folder, "case-")),
}));
