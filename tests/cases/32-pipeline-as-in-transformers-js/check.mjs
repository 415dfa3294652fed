// pipeline() as people call it: the shapes of results, and errors that say what to write instead.
import { folderOf, GOOD, join, json, report, tabsense } from "../_tools/tools.mjs";
const { pipeline, TabsenseError } = await tabsense();
const { check, fault, message, ok, end } = report();
const {
  texts: [A, B],
  calls,
  loads,
} = json(join(folderOf(import.meta.url), "expected.json"));
const M = `${GOOD}/`;
const near = (value) => JSON.stringify(value, (key, v) => (key === "score" ? Number(v.toFixed(4)) : v));
function refused(what, { kind, says }, error) {
  const got = `${error.kind}: ${error.message}`;
  if (!(error instanceof TabsenseError) || (kind && error.kind !== kind))
    fault(`${what}: ${kind ?? "an error of the package's own"}`, got);
  else
    (!says || new RegExp(says).test(error.message) ? ok : message)(
      `${what}: a sentence that says /${says}/`,
      got,
    );
}
const pipe = await pipeline("text-classification", M, { device: "cpu" });
for (const { args, want } of calls) {
  let got;
  try {
    got = await new Function("pipe", "A", "B", `return pipe${args}`)(pipe, A, B);
  } catch (error) {
    if (Array.isArray(want)) fault(args, `${error.kind}: ${error.message}`);
    else refused(args, want, error);
    continue;
  }
  check(Array.isArray(want) && near(got) === near(want), `${args}, want ${near(want)}`, near(got));
}
await pipe.dispose();
for (const { args, want } of loads) {
  try {
    await (await new Function("pipeline", "M", `return pipeline${args}`)(pipeline, M)).dispose();
    check(want === true, `pipeline${args}: an error`, "loads");
  } catch (error) {
    if (want === true) fault(`pipeline${args}: loads`, `${error.kind}: ${error.message}`);
    else refused(`pipeline${args}`, want, error);
  }
}
end();
