// Tensors that aren't part of the model don't matter; if one is refused, the message names it and doesn't
// blame config.json.
import {
  cli,
  CPU,
  existsSync,
  folderOf,
  join,
  json,
  report,
  scratch,
  tabsense,
  TEXT,
} from "../_tools/tools.mjs";
const { Classifier } = await tabsense();
const here = folderOf(import.meta.url);
const { ok, fault, message, check, end } = report();
for (const [name, { scores, beside, or_refused }] of Object.entries(json(join(here, "expected.json")))) {
  const folder = `${join(here, "models", name)}/`;
  try {
    const classifier = await Classifier.load(folder, CPU);
    const got = await classifier.classify(TEXT, { topK: null });
    await classifier.dispose();
    check(
      got.every(({ label, score }) => Math.abs(score - scores[label]) < 1e-5),
      `${name}, want ${JSON.stringify(scores)}`,
      got,
    );
  } catch (error) {
    const got = `${error.kind}: ${error.message}`;
    const clear =
      beside.some((tensor) => error.message.includes(tensor)) &&
      !error.message.includes("must be from the same checkpoint");
    if (!or_refused) fault(`${name}: refused, want ${JSON.stringify(scores)}`, got);
    else (clear ? ok : message)(`${name}: an error that names the tensor and how to remove it`, got);
  }
  // The converter has to accept it, too.
  const to = join(scratch(), "out.safetensors");
  const { status, stderr } = cli(["convert", join(folder, "model.safetensors"), to, "--dtype", "int8"]);
  check(status === 0 && existsSync(to), `${name}: convert --dtype int8`, stderr.trim());
}
end();
