"""Makes ONNX files of the random models with common tools, and their logits: see README.md.

    python test_data/make_onnx.py --optimum PYTHON [--minis]                               what is committed
    python test_data/make_onnx.py --optimum PYTHON --out FOLDER [--models MODEL ...]       every variant

PYTHON has the packages of requirements-optimum.txt. A variant that a model can't have is left out, and the
reason printed.
"""

import argparse
import json
import logging
import sys
import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "onnx_exports")]

import onnx
import onnxruntime
import torch
import transformers

from containers import lean
from golden import VERSIONS
from matrix import BARE, REFUSED, VARIANTS, Model
from minis import MINIS, make_minis
from selection import SELECTION, WHOLE
from truth import states_of, truth_of

# A case of nine tokens, in the goldens of mini-* and of the larger models alike.
STATES_CASE = 5
PACKAGES = ("onnx", "onnxruntime", "onnxscript", "onnxslim")


def goldens(name):
    return json.loads((HERE / "goldens" / f"{name}.json").read_text(encoding="ascii"))


def write(made, path, whole):
    """Writes a variant: a graph, the file's bytes, or a function that saves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not whole and isinstance(made, onnx.ModelProto):
        made = lean(made)
    if isinstance(made, bytes):
        path.write_bytes(made)
    elif callable(made):
        made(path)
    else:
        onnx.save(made, path)


def described(path):
    graph = onnx.load(path, load_external_data=False)
    opsets = {opset.domain or "ai.onnx": opset.version for opset in graph.opset_import}
    return {
        "producer": graph.producer_name,
        "opset": opsets["ai.onnx"],
        "ir": graph.ir_version,
        "bytes": path.stat().st_size,
        "operators": dict(sorted(Counter(node.op_type for node in graph.graph.node).items())),
    }


def make(name, variants, out, file_name, optimum, whole=None):
    """Writes the variants of a model. Yields each one's entry in the manifest.

    `whole`: the variants that keep what only tools read; None for all.
    """
    model, cases = Model(HERE / "models" / name, optimum), goldens(name)["cases"]
    for variant in variants:
        path = out / file_name(name, variant)
        said = {"file": path.relative_to(out).as_posix(), "model": name, "variant": variant}
        try:
            write(VARIANTS[variant](model), path, whole is None or (name, variant) in whole)
            said |= described(path)
            if variant in REFUSED and not (variant == "fused-approximate" and "gelu_new" in str(model.config)):
                said["refused"] = REFUSED[variant]
            elif variant in BARE:
                said |= {"states_case": STATES_CASE} | states_of(path, model.bare, cases[STATES_CASE])
            else:
                said |= truth_of(path, model.torch, cases)
        except Exception as error:  # whatever the exporters and optimizers raise
            print(f"{name} {variant}: {type(error).__name__}: {str(error).splitlines()[0][:160]}")
            path.unlink(missing_ok=True)
            continue
        difference = said.get("onnxruntime_minus_pytorch", "refused")
        print(f"{said['file']}: {said['bytes']:,} bytes, opset {said['opset']}, {difference}", flush=True)
        yield said


def main():
    parser = argparse.ArgumentParser(description="Makes ONNX files of the random models.")
    parser.add_argument("--out", type=Path, help="make every variant into this folder")
    parser.add_argument("--models", nargs="+", default=list(MINIS))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--optimum", required=True, help="a Python with optimum-onnx")
    parser.add_argument("--minis", action="store_true", help="make the models themselves first")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    onnxruntime.set_default_logger_severity(4)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")

    if arguments.minis:
        make_minis()
    if arguments.out:
        asked, out, whole = {model: arguments.variants for model in arguments.models}, arguments.out, None
        file_name = lambda model, variant: f"{model}/{variant}.onnx"
    else:
        asked, out, whole = SELECTION, HERE / "onnx", WHOLE
        file_name = lambda model, variant: f"{model}-{variant}.onnx"
    files = []
    for name, variants in asked.items():
        files += make(name, variants, out, file_name, arguments.optimum, whole)
    versions = json.dumps(VERSIONS | {name: version(name) for name in PACKAGES})
    lines = ",\n".join(json.dumps(said, separators=(",", ":")) for said in files)
    text = f'{{"versions":{versions},\n"files":[\n{lines}\n]}}\n'
    (out / "manifest.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
