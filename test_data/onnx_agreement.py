"""Compares a model's quantized ONNX files with PyTorch in fp32: labels and probabilities.

    python test_data/onnx_agreement.py --model ../shared/models/sentiment-en --out FOLDER --optimum PYTHON

FOLDER becomes a transformers.js checkpoint: config.json, tokenizer.json and onnx/model*.onnx. PYTHON, which
exports it, has the packages of requirements-optimum.txt. Next to each file, NAME.json has the probabilities
of 490 texts, those of sentiment_validation.jsonl and sentiment_benchmark.jsonl in that order, by onnxruntime
(`onnxruntime`) and by PyTorch with the file's numbers (`dequantized`), for other engines. Existing files are
kept.
"""

import argparse
import json
import logging
import shutil
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "onnx_exports")]

import onnx
import torch
import transformers
from tokenizers import Tokenizer

from decode import parameters
from matrix import VARIANTS, Model
from truth import by_onnxruntime, by_pytorch

# transformers.js' file names. Its convert.py makes model_quantized.onnx per channel in 7 bits, but
# quantize.py on its own makes it per tensor in 8; hubs have both.
FILES = {
    "model": "slim",
    "model_fp16": "fp16",
    "model_quantized": "q8-convert",
    "model_int8": "q8",
    "model_uint8": "uint8",
    "model_q4": "q4",
    "model_q4f16": "q4f16",
}
MAX_TOKENS = 512


def cases_of(tokenizer_file):
    """The ids of each text."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    rows = [
        json.loads(line)
        for name in ("sentiment_validation", "sentiment_benchmark")
        for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [{"ids": tokenizer.encode(row["text"]).ids} for row in rows]


def probabilities(logits):
    return torch.softmax(logits, dim=-1)


def compared(found, exact):
    """Labels that agree, mean and largest difference of a probability."""
    differences = (found - exact).abs().amax(dim=-1)
    agree = int((found.argmax(dim=-1) == exact.argmax(dim=-1)).sum())
    return f"{agree}/{len(exact)}  {differences.mean().item():.5f}  {differences.max().item():.4f}"


def rounded(rows):
    return [[round(value, 7) for value in row] for row in rows.tolist()]


def main():
    parser = argparse.ArgumentParser(description="Compares quantized ONNX files with PyTorch.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--optimum", required=True, help="a Python with optimum-onnx")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    transformers.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")

    folder = arguments.out / "onnx"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(arguments.model / name, arguments.out / name)
    model = Model(arguments.model, arguments.optimum)
    cases = cases_of(arguments.model / "tokenizer.json")
    exact = probabilities(by_pytorch(model.torch, {}, cases))
    (folder / "pytorch.json").write_text(json.dumps({"pytorch": rounded(exact)}) + "\n", encoding="ascii")
    print(f"{len(cases)} texts: labels that agree, mean and largest difference of a probability")
    print(f"{'':16} {'bytes':>14}   {'onnxruntime':36}   PyTorch with the file's numbers")
    for name, variant in FILES.items():
        path = folder / f"{name}.onnx"
        if not path.exists():
            onnx.save(VARIANTS[variant](model), path)
        theirs = probabilities(by_onnxruntime(path, cases))
        mine = probabilities(by_pytorch(model.torch, parameters(onnx.load(path), model.torch), cases))
        said = {"onnxruntime": rounded(theirs), "dequantized": rounded(mine)}
        path.with_suffix(".json").write_text(json.dumps(said) + "\n", encoding="ascii")
        size = f"{path.stat().st_size:,}"
        print(f"{name:16} {size:>14}   {compared(theirs, exact):36}   {compared(mine, exact)}", flush=True)


if __name__ == "__main__":
    main()
