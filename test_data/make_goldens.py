"""Makes every golden in this folder with PyTorch, `transformers` and `tokenizers`: see README.md.

    python test_data/make_goldens.py [--shared ../shared]

The same versions on the same kind of processor give the same bytes.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoTokenizer, DistilBertForSequenceClassification, PreTrainedTokenizerFast

from encoders import make_encoders
from golden import CLS, HERE, MASK, PAD, SEP, VERSIONS, floats, tiny_tokenizer
from make_pairs import make_pairs
from random_base import REPOSITORY, make_config, random_tensors, write_json
from random_strings import generated_strings

MAX_TOKENS = 512
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 400, 511, 512)
# Lists of indices into LENGTHS: neighbours, extremes, falling lengths, one text twice, all of them.
BATCHES = ([0, 1], [7, 0, 25], [16, 8, 3, 12, 1], [5, 5, 20], [13, 14, 15, 17, 18, 19], list(range(len(LENGTHS))))
TAPS_CASE = LENGTHS.index(9)

# Standard deviations large enough that attention is far from uniform and logits differ from text to text.
TINY = {
    "tiny-f32": dict(
        seed=1, weight=0.25, embedding=0.5, bias=0.2, storage=torch.float32,
        config=make_config(36, 3, 3, 101, 997, ["calm", "glad", "cross"]),
    ),
    "tiny-f16": dict(
        seed=2, weight=0.25, embedding=0.5, bias=0.2, storage=torch.float16,
        config=make_config(40, 4, 2, 67, 701, ["NEGATIVE", "POSITIVE"], dtype="float16"),
    ),
    "tiny-bf16": dict(
        seed=3, weight=0.3, embedding=0.5, bias=0.2, storage=torch.bfloat16,
        config=make_config(
            24, 2, 2, 50, 499, ["news", "sport", "art", "food"], dtype="bfloat16",
            activation="relu", problem_type="multi_label_classification",
        ),
    ),
}


def write_lines(path, rows):
    """Writes one ASCII JSON document per line, so that no character of a text looks like a line break."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows), encoding="ascii")


def load_model(folder, dtype=torch.float32):
    model = DistilBertForSequenceClassification.from_pretrained(folder, dtype=dtype, attn_implementation="eager")
    return model.eval()


def logits_alone(model, ids):
    return model(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).logits[0]


def logits_padded(model, sequences):
    """Logits of one padded batch whose mask hides the padding."""
    width = max(map(len, sequences))
    ids = torch.tensor([ids + [PAD] * (width - len(ids)) for ids in sequences])
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in sequences])
    return model(ids, attention_mask=mask).logits


def taps(model, ids):
    """The embedding, and each layer's attention and FFN after LayerNorm, for one text: (T, D) each."""
    encoder, rows = model.distilbert, []
    places = {"embedding": encoder.embeddings}
    for index, layer in enumerate(encoder.transformer.layer):
        places |= {f"layer.{index}.attention": layer.sa_layer_norm, f"layer.{index}.ffn": layer.output_layer_norm}

    def keep(name):
        def hook(_module, _inputs, output):
            rows.append({"name": name, "rows": output.shape[1], "cols": output.shape[2], "values": floats(output)})
        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in places.items()]
    logits_alone(model, ids)
    for handle in handles:
        handle.remove()
    assert [row["name"] for row in rows] == list(places)
    return rows


def make_tiny(name, seed, weight, embedding, bias, storage, config, tokenizer):
    """Writes models/NAME and goldens/NAME.json."""
    folder = HERE / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config)
    small = tiny_tokenizer(tokenizer, config["vocab_size"])
    (folder / "tokenizer.json").write_text(json.dumps(small, separators=(",", ":")) + "\n", encoding="ascii")
    tensors = random_tensors(config, seed, weight, embedding, bias)
    tensors = {key: torch.from_numpy(values).to(storage) for key, values in tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # the library makes it readable only by its owner

    generator = np.random.default_rng(seed)
    middles = [generator.integers(MASK + 1, config["vocab_size"], size=max(0, length - 2)).tolist() for length in LENGTHS]
    sequences = [[CLS, *middle, SEP][:length] for middle, length in zip(middles, LENGTHS, strict=True)]

    model = load_model(folder)
    alone = torch.stack([logits_alone(model, ids) for ids in sequences])
    padded = max((logits_padded(model, [sequences[i] for i in batch]) - alone[batch]).abs().max().item() for batch in BATCHES)
    assert padded < 1e-5, padded
    exact = load_model(folder, torch.float64)
    rounding = max((logits_alone(exact, ids) - row.double()).abs().max().item() for ids, row in zip(sequences, alone, strict=True))

    golden = {
        "versions": VERSIONS,
        "padded_minus_alone": float(f"{padded:.2g}"),
        "fp32_minus_fp64": float(f"{rounding:.2g}"),
        "cases": [{"ids": ids, "logits": floats(row)} for ids, row in zip(sequences, alone, strict=True)],
        "batches": BATCHES,
    }
    if name == "tiny-f32":
        golden |= {"taps_case": TAPS_CASE, "taps": taps(model, sequences[TAPS_CASE])}
    path = HERE / "goldens" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="ascii")
    spread = alone.std(dim=0).tolist()
    print(f"{name}: padded - alone {padded:.1e}, fp32 - fp64 {rounding:.1e}, logits' spread {[round(s, 2) for s in spread]}")


def make_tokenizer_cases(tokenizer_file, vectors_file):
    """Writes tokenizer/cases.jsonl: the published vectors of `vectors_file`, then generated strings."""
    tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    vectors = json.loads(vectors_file.read_text(encoding="utf-8"))["cases"]
    # One vector is for a pair of texts, of which the file has only the first.
    vectors = [case for case in vectors if not case["name"].endswith(":TEXT_PAIR")]
    strings = [(case["name"], case["text"]) for case in vectors] + generated_strings(2000)
    rows = []
    for source, text in strings:
        encoding = tokenizer.encode(text)
        rows.append({"text": text, "ids": encoding.ids, "offsets": encoding.offsets, "source": source})
    for row, case in zip(rows, vectors):  # the vectors come first
        assert row["ids"] == case["ids"], case["name"]
    write_lines(HERE / "tokenizer" / "cases.jsonl", rows)
    print(f"tokenizer/cases.jsonl: {len(rows)} cases")


def truncation_texts(sentences):
    """Texts around and far above the maximum length, with one token per word and with several."""
    prose = " ".join(sentences)
    yield sentences[0]
    for words in (509, 510, 511, 512):
        yield " ".join(["good", "film", "!"][index % 3] for index in range(words))
    yield "tokenization " * 256  # two tokens per word: the cut falls between words
    yield "a " + "tokenization " * 256  # here, within a word
    yield " ".join([prose] * 3)
    yield "good " * 3000
    yield "中文字" * 400
    yield "😀 naïve café " * 250
    yield "good " * 509 + "[SEP] film film"
    yield "x" * 101 + " " + "?" * 900


def make_truncation(tokenizer_file, folder, sentences):
    """Writes tokenizer/truncation.jsonl."""
    whole = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    fast = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_file))
    auto = AutoTokenizer.from_pretrained(folder)
    rows = []
    for text in truncation_texts(sentences):
        ids = fast(text, truncation=True, max_length=MAX_TOKENS)["input_ids"]
        assert ids == auto(text, truncation=True, max_length=MAX_TOKENS)["input_ids"], text[:40]
        full = whole.encode(text).ids
        assert ids == (full if len(full) <= MAX_TOKENS else full[: MAX_TOKENS - 1] + full[-1:]), text[:40]
        rows.append({"text": text, "ids": ids, "truncated": len(full) > MAX_TOKENS})
    write_lines(HERE / "tokenizer" / "truncation.jsonl", rows)
    print(f"tokenizer/truncation.jsonl: {len(rows)} texts, {sum(row['truncated'] for row in rows)} of them cut")


def make_sentiment(name, folder, sentences):
    """Writes the goldens `name` of the model in `folder`."""
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = load_model(folder)
    rows = []
    for text in sentences:
        ids = tokenizer.encode(text).ids
        rows.append({"text": text, "ids": ids, "logits": floats(logits_alone(model, ids))})
    write_lines(HERE / name, rows)
    positive = sum(row["logits"][-1] == max(row["logits"]) for row in rows)
    print(f"{name}: {len(rows)} sentences, {positive} of them POSITIVE")


def main():
    parser = argparse.ArgumentParser(description="Makes the goldens of test_data.")
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared", help="holds models/sentiment-en (F32) and data")
    parser.add_argument(
        "--sentiment",
        type=Path,
        default=REPOSITORY / "bench/.cache/models/sentiment-en/floats",
        help="sentiment-en as floats: bench/export/floats.py",
    )
    arguments = parser.parse_args()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)

    folder = arguments.shared / "models" / "sentiment-en"
    tokenizer_file = folder / "tokenizer.json"
    sentences = (HERE / "sentences.txt").read_text(encoding="utf-8").splitlines()
    tokenizer = json.loads(tokenizer_file.read_text(encoding="utf-8"))

    write_json(HERE / "versions.json", VERSIONS)
    for name, recipe in TINY.items():
        make_tiny(name, tokenizer=tokenizer, **recipe)
    make_encoders(tokenizer)
    make_pairs()
    make_tokenizer_cases(tokenizer_file, arguments.shared / "data" / "tokenizer_vectors.json")
    make_truncation(tokenizer_file, folder, sentences)
    make_sentiment("sentiment_1_goldens.jsonl", folder, sentences)
    make_sentiment("sentiment_goldens.jsonl", arguments.sentiment, sentences)


if __name__ == "__main__":
    main()
