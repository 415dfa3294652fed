// Weights quantized by other tools: no answer, but an error that names a tensor or the method, for any dtype.
import { cli, CPU, folderOf, join, json, report, scratch, tabsense } from "../_tools/tools.mjs";
const { Classifier } = await tabsense();
const here = folderOf(import.meta.url);
const { check, end } = report();
for (const [name, { kinds }] of Object.entries(json(join(here, "expected.json")))) {
  const folder = `${join(here, "models", name)}/`;
  const method = json(join(folder, "config.json")).quantization_config?.quant_method ?? "classifier";
  for (const dtype of ["auto", "fp32", "int8", "int4"]) {
    try {
      await (await Classifier.load(folder, { ...CPU, dtype })).dispose();
      check(false, `${name}, ${dtype}: refused`, "loads");
    } catch (error) {
      check(
        kinds.includes(error.kind) &&
          (/"(distilbert|classifier|pre_classifier)\./.test(error.message) || error.message.includes(method)),
        `${name}, ${dtype}: an error that names a tensor or ${method}`,
        `${error.kind}: ${error.message}`,
      );
    }
  }
  const { status, stderr } = cli([
    "convert",
    join(folder, "model.safetensors"),
    join(scratch(), "out.safetensors"),
    "--dtype",
    "int8",
  ]);
  check(status === 1, `${name}: convert refuses it`, stderr.trim());
}
end();
