// `node scripts/networks.mjs`: writes docs/networks.md, from the cases that the tests play.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { casesOf, IN_CHROMIUM, outcomeOf } from "../tests/network/cases.mjs";
import { FAULTS, longest } from "../tests/network/faults.mjs";
import { SITUATIONS } from "../tests/network/play.mjs";
import { BROWSER, NODE } from "../tests/network/storage.mjs";
import { checkLoadOptions } from "../dist/api/options.js";
import { main, ROOT } from "./run.mjs";

/** The document. */
export const NETWORKS = join(ROOT, "docs/networks.md");

/** How the package waits. */
const { network: NETWORK } = checkLoadOptions(undefined, null);

/** Its text. */
export function networksText() {
  const situations = Object.keys(SITUATIONS);
  const counts = [casesOf("Node"), casesOf("Chromium"), Object.keys(NODE), Object.keys(BROWSER)];
  const [inNode, inChromium, disks, browsers] = counts.map(({ length }) => length);
  const seconds = NETWORK.stallTimeout / 1000;
  return `<!-- Written by scripts/networks.mjs from tests/network/. -->

# Networks and disks that break

What \`load\` comes to where something goes wrong on the way. Each cell is a test with a name (\`npm run test:network\`: ${inNode} cases of networks in Node,
${inChromium} in Chromium with models of another origin, ${disks + browsers} of storage), played on real sockets, in a real browser, with two versions of a model of which no file,
and no part of one, goes with the other: whatever is mixed would answer like neither. Each case ends with one more load without the fault, which is right.

- **answer**: that of the version which the server has. Where it moves to a new one meanwhile, that is the new one, whole.
- anything else is the \`kind\` of the error.
- –: not played. Where the server has nothing new, it sends no body that could break off.

## Where it happens

${table(
  ["", "the fault is in"],
  situations.map((name) => [name, SITUATIONS[name].says]),
)}

In the first five it hits \`model.safetensors\`, Chromium plays ${IN_CHROMIUM.map((name) => `*${name}*`).join(", ")}.

## What comes of it

${table(["the server …", ...situations, "ends within"], Object.keys(FAULTS).map(rowOf))}

"Ends within" is the time that the package waits, beside what the bytes take: a connection that breaks is taken up ${NETWORK.retries} times in a row, after pauses of 0.3, 0.9 and 2.7 seconds (or as
long as the server asks, up to 30 seconds), and one counts as broken after ${seconds} seconds without a byte. A file that changed meanwhile starts the load over, three times at most. Where copies
are kept, the server has 3 seconds to say whether they still hold.

## Storage

Copies never fail a load. In Node's folder:

${list(NODE)}

In Chromium:

${list(BROWSER)}

## What nothing shows

- A server that sends neither \`ETag\` nor \`Last-Modified\`, and moves to a new version between two files of a load: nothing tells. Name a commit
  (\`org/name@commit\`), give each version a folder of its own, or pass \`integrity\`.
- Files of one load that are opened within a second of each other are taken for one version. Of those that were opened earlier, the server is asked once more when all are
  read: weights in several files may take minutes.
- A server that says of a file that the copy still holds (304, or the same \`ETag\`), where it doesn't.
- A \`merges.txt\` that is cut, or a \`vocab.txt\` that is cut at the end of a line, where nothing told its length. A \`vocab.txt\` that ends within a line and has fewer tokens than
  the model is refused. \`integrity\` notices either.
`;
}

function rowOf(fault) {
  const { says } = FAULTS[fault];
  const ms = longest(fault, NETWORK);
  const cells = Object.keys(SITUATIONS).map((situation) => {
    const inNode = outcomeOf(fault, situation, "Node");
    if (!IN_CHROMIUM.includes(situation)) return cell(inNode);
    const inChromium = outcomeOf(fault, situation, "Chromium");
    return inNode === inChromium || inChromium === null
      ? cell(inNode)
      : `${cell(inNode)}; Chromium: ${cell(inChromium)}`;
  });
  return [says, ...cells, ms > 0 ? `${ms / 1000} s` : "at once"];
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
    .map(([says, outcome]) => `- ${says}: ${cell(outcome)}`)
    .join("\n");
}

await main(import.meta.url, async () => writeFileSync(NETWORKS, networksText()));
