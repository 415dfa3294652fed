"""Makes the random checkpoints and goldens of every architecture except DistilBERT, with PyTorch and
`transformers`: see README.md.

    python test_data/encoders.py [--only tiny-bert]

make_goldens.py calls it, too. The same versions on the same kind of processor give the same bytes.

    python test_data/encoders.py --base xlm-roberta OUT_FOLDER [--tokenizer TOKENIZER_JSON]

writes a checkpoint of that architecture's base size with random weights, for timing: its answers mean
nothing. For every architecture, the tokenizer is the embedded model's unless another is named.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    BertConfig,
    CamembertConfig,
    Data2VecTextConfig,
    ElectraConfig,
    MPNetConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from golden import CLS, HERE, MASK, PAD, SEP, VERSIONS, floats, tiny_tokenizer

LENGTHS = (1, 2, 3, 7, 8, 9, 16, 33, 64, 65, 128, 129, 257, 511, 512)
# Lists of indices into LENGTHS: neighbours, extremes, falling lengths, one text twice, all of them.
BATCHES = ([0, 1], [4, 0, 14], [11, 7, 3, 1], [5, 5, 8], list(range(len(LENGTHS))))
TAPS_CASE = LENGTHS.index(9)


def sizes(vocabulary, width, heads, layers, hidden, labels, **more):
    return dict(
        vocab_size=vocabulary, hidden_size=width, num_attention_heads=heads, num_hidden_layers=layers,
        intermediate_size=hidden, id2label=dict(enumerate(labels)), label2id={l: i for i, l in enumerate(labels)}, **more,
    )


# RoBERTa's relatives and MPNet keep their usual padding ids; the vocabularies are those of the other
# tiny models.
RECIPES = {
    "tiny-bert": dict(seed=11, types=True, config=BertConfig(
        **sizes(211, 32, 2, 2, 96, ["calm", "glad", "cross"]),
    )),
    "tiny-bert-tanh": dict(seed=12, types=True, storage=torch.float16, config=BertConfig(
        **sizes(199, 36, 3, 3, 101, ["a", "b", "c", "d", "e"]), hidden_act="gelu_new", type_vocab_size=3,
        problem_type="multi_label_classification",
    )),
    "tiny-roberta": dict(seed=13, config=RobertaConfig(
        **sizes(223, 32, 4, 2, 64, ["NEGATIVE", "NEUTRAL", "POSITIVE"]), max_position_embeddings=514, type_vocab_size=1,
        layer_norm_eps=1e-5,
    )),
    "tiny-xlm-roberta": dict(seed=14, storage=torch.bfloat16, config=XLMRobertaConfig(
        **sizes(251, 40, 4, 2, 67, ["no", "yes"]), max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5,
    )),
    "tiny-camembert": dict(seed=15, config=CamembertConfig(
        **sizes(197, 24, 2, 2, 50, ["stars"]), max_position_embeddings=515, type_vocab_size=1, pad_token_id=2,
        layer_norm_eps=1e-5, hidden_act="relu", problem_type="regression",
    )),
    "tiny-electra": dict(seed=16, types=True, config=ElectraConfig(
        **sizes(227, 32, 2, 2, 96, ["x", "y"]), embedding_size=20,
    )),
    "tiny-electra-wide": dict(seed=17, types=True, storage=torch.float16, config=ElectraConfig(
        **sizes(203, 28, 2, 2, 61, ["x", "y", "z"]), embedding_size=28, hidden_act="gelu_pytorch_tanh",
    )),
    "tiny-mpnet": dict(seed=18, config=MPNetConfig(
        **sizes(229, 32, 4, 3, 64, ["entailment", "neutral", "contradiction"]), max_position_embeddings=514,
        layer_norm_eps=1e-5,
    )),
    "tiny-data2vec-text": dict(seed=19, config=Data2VecTextConfig(
        **sizes(193, 24, 2, 2, 48, ["NEGATIVE", "POSITIVE"]), max_position_embeddings=514, type_vocab_size=1,
        layer_norm_eps=1e-5,
    )),
}


def random_state(model, seed):
    """Random tensors of a model, such that attention is far from uniform and logits differ between texts."""
    generator = np.random.default_rng(seed)
    state = {}
    for name, tensor in sorted(model.state_dict().items()):
        noise = generator.standard_normal(tuple(tensor.shape)).astype(np.float32)
        if "LayerNorm.weight" in name or "layer_norm.weight" in name:
            values = 1 + 0.1 * noise
        elif "relative_attention_bias" in name:
            values = noise
        elif "embeddings" in name and name.endswith("embeddings.weight"):
            values = 0.5 * noise
        else:
            values = (0.2 if name.endswith("bias") else 0.25) * noise
        state[name] = torch.from_numpy(values.astype(np.float32))
    return state


def run(model, ids, types, mask=None, **more):
    inputs = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask) if mask else torch.ones(len(ids), len(ids[0]), dtype=torch.long)}
    if types is not None:
        inputs["token_type_ids"] = torch.tensor(types)
    return model(**inputs, **more)


def padded(model, cases, pad):
    """Logits of one padded batch whose mask hides the padding."""
    width = max(len(case["ids"]) for case in cases)
    fill = lambda rows, value: [row + [value] * (width - len(row)) for row in rows]
    types = fill([case["types"] for case in cases], 0) if "types" in cases[0] else None
    mask = fill([[1] * len(case["ids"]) for case in cases], 0)
    return run(model, fill([case["ids"] for case in cases], pad), types, mask).logits


def taps(model, case):
    """The first layer's input and each layer's attention and FFN after LayerNorm, for one text, (T, D) each."""
    base, rows = model.base_model, []
    first = getattr(base, "embeddings_project", base.embeddings)
    places = {"embedding": first}
    for index, layer in enumerate(base.encoder.layer):
        attention = layer.attention
        norm = attention.LayerNorm if hasattr(attention, "LayerNorm") else attention.output.LayerNorm
        places |= {f"layer.{index}.attention": norm, f"layer.{index}.ffn": layer.output.LayerNorm}

    def keep(name):
        def hook(_module, _inputs, output):
            rows.append({"name": name, "rows": output.shape[1], "cols": output.shape[2], "values": floats(output)})
        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in places.items()]
    run(model, [case["ids"]], [case["types"]] if "types" in case else None)
    for handle in handles:
        handle.remove()
    assert [row["name"] for row in rows] == list(places)
    return rows


def make_encoder(name, seed, config, tokenizer, types=False, storage=torch.float32, lengths=LENGTHS, batches=BATCHES, inner=True, change=None):
    """Writes models/NAME and goldens/NAME.json.

    `inner`: writes the layers' outputs as well. `change`: a function that alters the random weights.
    """
    folder = HERE / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    model = AutoModelForSequenceClassification.from_config(config)
    config.architectures = [type(model).__name__]
    config.dtype = storage
    (folder / "config.json").write_text(config.to_json_string(), encoding="ascii")
    small = tiny_tokenizer(tokenizer, config.vocab_size)
    (folder / "tokenizer.json").write_text(json.dumps(small, separators=(",", ":")) + "\n", encoding="ascii")
    state = {key: values.to(storage) for key, values in random_state(model, seed).items()}
    if change:
        change(state)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # the library makes it readable only by its owner

    load = lambda kind, dtype=torch.float32: kind.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()
    generator = np.random.default_rng(seed)
    cases = []
    for index, length in enumerate(lengths):
        # Any id, including the padding id, at which positions don't advance.
        middle = generator.integers(0, config.vocab_size, size=max(0, length - 2)).tolist()
        case = {"ids": [CLS, *middle, SEP][:length]}
        if types:
            first = generator.integers(0, length + 1) if index % 2 else length
            case["types"] = [0] * int(first) + [int(config.type_vocab_size) - 1] * int(length - first)
        cases.append(case)

    model = load(AutoModelForSequenceClassification)
    exact = load(AutoModelForSequenceClassification, torch.float64)
    inputs = [([case["ids"]], [case["types"]] if types else None) for case in cases]
    alone = torch.stack([run(model, *of).logits[0] for of in inputs])
    rounding = max((run(exact, *of).logits[0] - row.double()).abs().max().item() for of, row in zip(inputs, alone, strict=True))
    for case, row in zip(cases, alone, strict=True):
        case["logits"] = floats(row)
    difference = max((padded(model, [cases[i] for i in batch], config.pad_token_id) - alone[batch]).abs().max().item() for batch in batches)
    assert difference < 1e-5, difference
    golden = {
        "versions": VERSIONS,
        "padded_minus_alone": float(f"{difference:.2g}"),
        "fp32_minus_fp64": float(f"{rounding:.2g}"),
        "cases": cases,
        "batches": batches,
    }
    if inner:
        states = run(load(AutoModel), *inputs[TAPS_CASE]).last_hidden_state[0]
        golden |= {"taps_case": TAPS_CASE, "taps": taps(model, cases[TAPS_CASE]), "states": floats(states)}
    (HERE / "goldens" / f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="ascii")
    spread = alone.std(dim=0).tolist()
    print(f"{name}: padded - alone {difference:.1e}, fp32 - fp64 {rounding:.1e}, logits' spread {[round(s, 2) for s in spread]}")


def make_encoders(tokenizer, names=RECIPES):
    """Writes the models in `names`, with vocabularies from the words of `tokenizer`, a tokenizer.json."""
    for name in names:
        make_encoder(name, tokenizer=tokenizer, **RECIPES[name])


# The sizes of bert-base-uncased and so on; not all of them are the configurations' defaults.
BASE = {
    "bert": lambda: BertConfig(),
    "roberta": lambda: RobertaConfig(max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5),
    "xlm-roberta": lambda: XLMRobertaConfig(vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5),
    "electra": lambda: ElectraConfig(embedding_size=768, hidden_size=768, num_attention_heads=12, intermediate_size=3072),
    "mpnet": lambda: MPNetConfig(max_position_embeddings=514, layer_norm_eps=1e-5),
}


def make_base(kind, folder, tokenizer):
    """Writes config.json and model.safetensors (F32) of base size, and a copy of the tokenizer."""
    config = BASE[kind]()
    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(config)
    config.architectures, config.dtype = [type(model).__name__], torch.float32
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.to_json_string(), encoding="ascii")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    generator, state = np.random.default_rng(1), {}
    for name, tensor in sorted(model.state_dict().items()):
        # Of the same size as trained weights, so that activations stay in their usual range.
        noise = generator.standard_normal(tuple(tensor.shape), dtype=np.float32) * np.float32(0.04)
        state[name] = torch.from_numpy(noise + 1 if "LayerNorm.weight" in name else noise)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    print(f"{folder}: {sum(tensor.numel() for tensor in state.values()):,} numbers")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Makes the goldens of every architecture but DistilBERT, or a large random checkpoint.")
    parser.add_argument("--only", choices=RECIPES, help="make the goldens of this model alone")
    parser.add_argument("--base", choices=BASE)
    parser.add_argument("--tokenizer", type=Path, default=HERE.parent / "models/sentiment-en-1/tokenizer.json")
    parser.add_argument("folder", type=Path, nargs="?")
    arguments = parser.parse_args()
    if arguments.base:
        make_base(arguments.base, arguments.folder, arguments.tokenizer)
        raise SystemExit
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()  # loading a base model leaves out the head
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    words = json.loads((HERE.parent / "models" / "sentiment-en-1" / "tokenizer.json").read_text(encoding="utf-8"))
    make_encoders(words, [arguments.only] if arguments.only else RECIPES)
