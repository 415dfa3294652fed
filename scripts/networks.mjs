// `node scripts/networks.mjs`: writes docs/networks.md from the cases that the tests run.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { casesOf, IN_CHROMIUM, outcomeOf } from "../tests/network/cases.mjs";
import { FAULTS, longest } from "../tests/network/faults.mjs";
import { SITUATIONS } from "../tests/network/run.mjs";
import { BROWSER, NODE } from "../tests/network/storage.mjs";
import { checkLoadOptions } from "../dist/api/options.js";
import { main, ROOT } from "./run.mjs";

/** The document. */
export const NETWORKS = join(ROOT, "docs/networks.md");

/** The package's retries and timeouts. */
const { network: NETWORK } = checkLoadOptions(undefined, null);

/** Its text. */
export function networksText() {
  const situations = Object.keys(SITUATIONS);
  const counts = [casesOf("Node"), casesOf("Chromium"), Object.keys(NODE), Object.keys(BROWSER)];
  const [inNode, inChromium, disks, browsers] = counts.map(({ length }) => length);
  const seconds = NETWORK.stallTimeout / 1000;
  return `<!-- Written by scripts/networks.mjs from tests/network/. -->

# Networks and disks that break

This page lists what \`load\` does when a server, a connection or a disk fails. It recovers, or rejects with an error. Apart from [what can't be detected](#what-cant-be-detected), it never reads a part of a file, or a mixture of two versions, as a model.

Each cell is a test (\`npm run test:network\`): ${inNode} cases of networks in Node, ${inChromium} in Chromium with models of another origin, and ${disks + browsers} of storage. They run on real sockets and in a real browser. The two versions of the test models give different answers, and any mixture of them gives a third. Each case ends with one more load without the fault, which must give the right answer.

- **answer**: the load succeeds, with the version that the server has. If it moves to a new version meanwhile, that is the new one.
- Anything else is the \`kind\` of the error.
- –: not tested. A server that has nothing new sends no body that could break off.

## Situations

${table(
  ["", "the fault is in"],
  situations.map((name) => [name, SITUATIONS[name].description]),
)}

In the first five, the fault hits \`model.safetensors\`. Chromium runs ${IN_CHROMIUM.map((name) => `*${name}*`).join(", ")}.

## Results

${table(["the server …", ...situations, "ends within"], Object.keys(FAULTS).map(rowOf))}

"Ends within" is how long the package waits, in addition to the transfer:

- A broken connection is resumed ${NETWORK.retries} times in a row, after pauses of 0.3, 0.9 and 2.7 seconds (or as long as the server asks, up to 30 seconds).
- A connection counts as broken after ${seconds} seconds without a byte.
- If a file changes during the load, the load starts over, three times at most.
- With copies, the server has 3 seconds to say whether they are still current.

## Storage

A fault in the stored copies never fails a load that the server could answer. The note is the file that lists a model's copies. In Node's folder:

${list(NODE)}

In Chromium:

${list(BROWSER)}

## What can't be detected

- A server that sends neither \`ETag\` nor \`Last-Modified\` and moves to a new version between two files of a load. Name a commit (\`org/name@commit\`), give each version its own folder, or pass \`integrity\`.
- A new version between two files that are opened within a second of each other. Files opened earlier are checked once more at the end, because weights in several files may take minutes.
- A server that says that a copy is current (304, or the same \`ETag\`) when it isn't.
- A \`merges.txt\` that is cut, or a \`vocab.txt\` that is cut at the end of a line, if the server sent no length. (A \`vocab.txt\` that ends within a line and has fewer tokens than the model is rejected.) \`integrity\` detects both.
`;
}

function rowOf(fault) {
  const { description } = FAULTS[fault];
  const ms = longest(fault, NETWORK);
  const cells = Object.keys(SITUATIONS).map((situation) => {
    const inNode = outcomeOf(fault, situation, "Node");
    if (!IN_CHROMIUM.includes(situation)) return cell(inNode);
    const inChromium = outcomeOf(fault, situation, "Chromium");
    return inNode === inChromium || inChromium === null
      ? cell(inNode)
      : `${cell(inNode)}; Chromium: ${cell(inChromium)}`;
  });
  return [description, ...cells, ms > 0 ? `${ms / 1000} s` : "at once"];
}

function cell(outcome) {
  if (outcome === null) return "–";
  return /answer/.test(outcome) ? outcome : `\`${outcome}\``;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function list(cases) {
  return Object.entries(cases)
    .map(([description, outcome]) => `- ${description}: ${cell(outcome)}`)
    .join("\n");
}

await main(import.meta.url, async () => writeFileSync(NETWORKS, networksText()));
