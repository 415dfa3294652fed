// Loaded before everything else in a Node process and its threads: serves the smallest model at the model
// hub's addresses, because tests have no network.

import { readFileSync, statSync } from "node:fs";
import { HUB, LISTING, listing } from "./hub-address.mjs";

const TINY = new URL("../../../test_data/models/tiny-f32/", import.meta.url);

const FILES = ["config.json", "tokenizer.json", "model.safetensors"];
const LISTED = listing(Object.fromEntries(FILES.map((name) => [name, statSync(new URL(name, TINY)).size])));

const { fetch } = globalThis;

globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  if (LISTING.test(request.url))
    return new Response(LISTED, { headers: { "content-type": "application/json" } });
  const name = HUB.exec(request.url)?.[1];
  if (!name)
    return request.url.startsWith("https://huggingface.co/")
      ? new Response("not here", { status: 404 })
      : fetch(input, init);
  const bytes = readFileSync(new URL(name, TINY));
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (from === undefined) return new Response(bytes, { headers: { "content-length": String(bytes.length) } });
  const part = bytes.subarray(Number(from), to ? Number(to) + 1 : bytes.length);
  return new Response(part, {
    status: 206,
    headers: {
      "content-length": String(part.length),
      "content-range": `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`,
    },
  });
};
