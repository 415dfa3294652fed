"""Exports a classifier to ONNX as transformers.js' own conversion does, so that the peers run the same weights.

    python bench/export/export_onnx.py --model FOLDER --out bench/.cache/models/NAME [--golden FILE]

FOLDER has `config.json`, `model.safetensors` (F32) and `tokenizer.json`. OUT, which may be the same folder, gets the
layout of a transformers.js checkpoint: `onnx/model.onnx` (fp32), `onnx/model_quantized.onnx` (dynamic int8),
`config.json`, `tokenizer.json`, `tokenizer_config.json`; also a copy of `model.safetensors` (for Tabsense itself) and
`export.json` (versions, settings and the findings of the checks). The script fails if the fp32 graph's logits
differ from PyTorch's by more than 1e-4.
"""

import argparse
import json
import logging
import platform
import shutil
import tempfile
import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import onnxslim
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

REPOSITORY = Path(__file__).resolve().parents[2]
SENTENCES = REPOSITORY / "test_data" / "sentences.txt"
GOLDEN = REPOSITORY.parent / "shared" / "models" / "sentiment-en" / "golden.jsonl"

# The default of optimum-onnx for BERT-like models (18; checkpoints of 2023 have 11, of 2024 have 14). In 18,
# LayerNormalization is one operator, and the quantized graph a few percent faster: the peers run at their best.
OPSET = 18

# The settings of transformers.js' scripts/convert.py and scripts/quantize.py for the mode "q8" of an encoder:
# per_channel and reduce_range are true except for a list of decoders and speech models without DistilBERT; weights are
# QInt8 (faster on most processors; QUInt8 is only for graphs with Conv), activations always uint8, computed at run time.
# reduce_range limits weights to 7 bits, as sums of u8 x i8 products saturate in 16 bits on processors without VNNI.
# All operators of ONNX Runtime's integer registry are quantized: MatMul, but also Gather, and so the embeddings; Gemm
# (the classifier's last two layers) becomes MatMul + Add first. Products of two activations stay fp32
# (MatMulConstBOnly).
QUANTIZATION = {"per_channel": True, "reduce_range": True, "extra_options": {"EnableSubgraph": True, "MatMulConstBOnly": True}}
WEIGHT_TYPE = QuantType.QInt8

FP32_TOLERANCE = 1e-4
CHECKED_TEXTS = 20
GOLDEN_ROWS = 200
GOLDEN_VOCABULARY = 30522  # the golden ids are those of bert-base-uncased


def export_fp32(model, path):
    """Writes `model` as an ONNX graph: input_ids, attention_mask (batch_size, sequence_length) int64 to logits (batch_size, labels) f32."""
    ids = torch.ones(2, 16, dtype=torch.int64)
    axes = {0: "batch_size", 1: "sequence_length"}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        # The tracing exporter is deprecated, but optimum uses it. Its warnings about values that become constants
        # concern the padding of masks shorter than the text; `check_fp32` runs other lengths and batches.
        warnings.simplefilter("ignore")
        raw = Path(folder) / "raw.onnx"
        torch.onnx.export(
            model,
            (ids, torch.ones_like(ids)),
            raw,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "batch_size"}},
            opset_version=OPSET,
            do_constant_folding=True,
            dynamo=False,
        )
        onnx.save(onnxslim.slim(str(raw)), path)
    onnx.checker.check_model(str(path))


def export_int8(source, path):
    """Quantizes the graph at `source` dynamically, with transformers.js' settings."""
    logging.getLogger().setLevel(logging.ERROR)  # it recommends pre-processing that onnxslim has done
    quantize_dynamic(str(source), str(path), weight_type=WEIGHT_TYPE, **QUANTIZATION)


def session(path):
    """An ONNX Runtime session on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def onnx_logits(graph, ids, mask=None):
    """Logits (B, L) of `graph` for ids (B, N), with a mask of ones unless one is given."""
    ids = np.asarray(ids, dtype=np.int64)
    mask = np.ones_like(ids) if mask is None else np.asarray(mask, dtype=np.int64)
    return graph.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]


def max_tokens(config):
    """The maximum number of tokens in a text; RoBERTa's positions start after the padding's."""
    first = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet", "data2vec-text") else 0
    return config.max_position_embeddings - first


def check_fp32(model, tokenizer, graph):
    """Compares `graph` with PyTorch on single texts, a padded batch and the longest text. Returns the largest difference."""
    texts = SENTENCES.read_text(encoding="utf-8").splitlines()[-CHECKED_TEXTS:]  # the long ones are at the end
    longest = {"truncation": True, "max_length": max_tokens(model.config), "return_tensors": "pt"}
    cases = [tokenizer([text], **longest) for text in texts]
    cases.append(tokenizer(texts, padding=True, **longest))
    cases.append(tokenizer([" ".join(texts) * 2], **longest))
    worst = 0.0
    for case in cases:
        with torch.inference_mode():
            expected = model(case.input_ids, attention_mask=case.attention_mask).logits.numpy()
        worst = max(worst, float(np.abs(onnx_logits(graph, case.input_ids, case.attention_mask) - expected).max()))
    if worst > FP32_TOLERANCE:
        raise SystemExit(f"The fp32 graph is off by {worst:.1e} from PyTorch, more than {FP32_TOLERANCE}: it must not be measured.")
    return worst


def compare_int8(fp32, int8, golden):
    """Runs both graphs on rows of token ids: agreement of labels, and differences of the logits."""
    rows = [json.loads(line)["ids"] for line in golden.read_text(encoding="utf-8").splitlines()[:GOLDEN_ROWS]]
    pairs = [(onnx_logits(fp32, [ids])[0], onnx_logits(int8, [ids])[0]) for ids in rows]
    differences = [float(np.abs(a - b).max()) for a, b in pairs]
    return {
        "texts": len(rows),
        "labels_agree": sum(int(a.argmax() == b.argmax()) for a, b in pairs),
        "logits_mean_difference": float(np.mean(differences)),
        "logits_largest_difference": max(differences),
    }


def write_tokenizer_config(out, longest):
    """Writes what transformers.js needs besides WordPiece's `tokenizer.json`: the class and the length to truncate texts to."""
    config = {
        "tokenizer_class": "DistilBertTokenizer",
        "do_lower_case": True,
        "model_max_length": longest,
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def export(folder, out, golden):
    """Exports `folder` to `out`, checks the result and returns the content of `export.json`."""
    (out / "onnx").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != out.resolve():
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            shutil.copyfile(folder / name, out / name)
    # Eager attention keeps sdpa's check for rows without tokens, which costs time and never applies, out of the graph.
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(out / "tokenizer.json"))
    if "[PAD]" in tokenizer.get_vocab():
        write_tokenizer_config(out, max_tokens(model.config))
        tokenizer.pad_token = "[PAD]"
    else:
        tokenizer.pad_token = "<pad>"
    fp32_path, int8_path = out / "onnx" / "model.onnx", out / "onnx" / "model_quantized.onnx"
    export_fp32(model, fp32_path)
    export_int8(fp32_path, int8_path)

    fp32, int8 = session(fp32_path), session(int8_path)
    report = {
        "opset": OPSET,
        "ir_version": onnx.load(fp32_path).ir_version,
        "quantization": {**QUANTIZATION, "weight_type": WEIGHT_TYPE.name, "activation_type": "QUInt8"},
        "bytes": {"fp32": fp32_path.stat().st_size, "int8": int8_path.stat().st_size},
        "fp32_largest_difference": check_fp32(model, tokenizer, fp32),
        "int8_operators": dict(sorted(Counter(node.op_type for node in onnx.load(int8_path).graph.node).items())),
        "versions": {name: version(name) for name in ("torch", "transformers", "onnx", "onnxruntime", "onnxslim")},
        "python": platform.python_version(),
    }
    if golden.exists() and model.config.vocab_size == GOLDEN_VOCABULARY:
        report["int8"] = compare_int8(fp32, int8, golden)
    (out / "export.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def main():
    """Reads the command line, exports, and prints the findings."""
    parser = argparse.ArgumentParser(description="Exports a classifier to ONNX (fp32 and dynamic int8).")
    parser.add_argument("--model", type=Path, required=True, help="folder with config.json, model.safetensors and tokenizer.json")
    parser.add_argument("--out", type=Path, required=True, help="folder to write, for instance bench/.cache/models/sentiment-en")
    parser.add_argument("--golden", type=Path, default=GOLDEN, help="JSON lines with `ids`, for the agreement of int8")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report = export(arguments.model, arguments.out, arguments.golden)
    print(f"{arguments.out}: opset {report['opset']}, fp32 {report['bytes']['fp32']:,} bytes, int8 {report['bytes']['int8']:,} bytes")
    print(f"fp32: logits within {report['fp32_largest_difference']:.1e} of PyTorch")
    if "int8" in report:
        found = report["int8"]
        print(
            f"int8: {found['labels_agree']} of {found['texts']} labels agree with fp32, logits differ by "
            f"{found['logits_mean_difference']:.3f} on average, {found['logits_largest_difference']:.3f} at most"
        )
    else:
        print(f"int8: not compared, as {arguments.golden} is not there or is for another vocabulary")


if __name__ == "__main__":
    main()
