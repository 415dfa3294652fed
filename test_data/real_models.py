"""Writes goldens/real.json: PyTorch's results for some texts with real encoders, for `npm run check:models`.

    python test_data/real_models.py FOLDER

FOLDER has a folder per model, as scripts/check-models.mjs unpacks them. The vectors are means of the last
states in fp32; the digests are of ids and offsets of the texts of make_tokenizers.py.
"""

import json
import os
import sys
from pathlib import Path

import onnx
import torch
from transformers import AutoConfig, AutoModel, AutoModelForTokenClassification, AutoTokenizer

from golden import HERE, VERSIONS, floats

sys.path.append(str(HERE / "onnx_exports"))

from decode import parameters

MODELS = ("all-MiniLM-L6-v2", "all-mpnet-base-v2", "paraphrase-MiniLM-L3-v2", "multilingual-e5-small", "rampart")
SENTENCES = HERE / "sentences.txt"


def texts():
    """A text of one token, single sentences, a text as long as fits, and a pair."""
    sentences = SENTENCES.read_text(encoding="utf-8").splitlines()
    yield ("a",)
    yield from ((sentence,) for sentence in sentences[:3])
    yield (" ".join(sentences),)
    yield (sentences[4], sentences[5])


def encoder(folder):
    """The encoder in fp32; if there is only an ONNX file, a tagger's encoder with the file's numbers."""
    if (folder / "model.safetensors").exists():
        return AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_config(config, attn_implementation="eager").eval()
    graph = onnx.load(folder / "model.onnx")
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}
    state = {name: torch.from_numpy(arrays[name].copy()) for name in model.state_dict() if name in arrays}
    model.load_state_dict(state | parameters(graph, model))
    return model.base_model


def digests(tokenizer):
    """Digests of ids and offsets of each text, with special tokens and uncut."""
    os.chdir(HERE)  # where the module finds its files
    from make_tokenizers import TEXTS, bytes_of, digest

    def one(text):
        e = tokenizer(text, return_offsets_mapping=True)
        return digest(n for id, (a, b) in zip(e["input_ids"], bytes_of(text, e["offset_mapping"])) for n in (id, a, b))

    return "".join(map(one, TEXTS))


def main(folder):
    folder = folder.resolve()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    rows = {}
    for name in MODELS:
        tokenizer = AutoTokenizer.from_pretrained(folder / name)
        model = encoder(folder / name)
        cases = []
        for text in texts():
            inputs = tokenizer(*text, truncation=True, max_length=512, return_tensors="pt")
            case = {"texts": text, "ids": inputs["input_ids"][0].tolist()}
            if "token_type_ids" in inputs and inputs["token_type_ids"].any():
                case["types"] = inputs["token_type_ids"][0].tolist()
            case["mean"] = floats(model(**inputs).last_hidden_state[0].mean(dim=0))
            cases.append(case)
        rows[name] = {"cases": cases, "digests": digests(tokenizer)}
        print(name, [len(case["ids"]) for case in cases])
    path = HERE / "goldens" / "real.json"
    path.write_text(json.dumps({"versions": VERSIONS, "models": rows}, separators=(",", ":")) + "\n", encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
