"""Makes goldens/pairs.json, from text to scores, with PyTorch and `transformers`: see README.md.

    python test_data/make_pairs.py

make_goldens.py calls it, too. The same versions on the same kind of processor give the same bytes.
"""

import json

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from golden import HERE, VERSIONS, floats

MODELS = ("tiny-bert", "tiny-bert-tanh", "tiny-electra", "tiny-f32")
MAX_TOKENS = 512
# A single text has None as its second text.
TEXTS = [
    ("The film was good.", None),
    ("The film was good.", "It's not great, and unbelievable!"),
    ("It's not great, and unbelievable!", "The film was good."),
    ("a", "b"),
    ("😀 Café 中文", "naïve 🇩🇪 x"),
    ("", "only the second"),
    (" ", "only the second"),
    ("only the first", " "),
    ("only the first", ""),
    (" ", "\t"),
    ("with [SEP] in it", "and [CLS] here"),
    # The longer text is cut first, and both if both are too long; a pair has room for 509 tokens.
    ("good " * 600, "short"),
    ("short", "good " * 600),
    ("good film " * 150, "not " * 209),
    ("good film " * 150, "not " * 210),
    ("good film " * 200, "x " * 401),
    ("x " * 401, "good film " * 200),
    ("x " * 400, "y " * 400),
]


def utf16(text, place):
    return len(text[:place].encode("utf-16-le")) // 2


def case(tokenizer, model, text, pair):
    options = dict(truncation="longest_first", max_length=MAX_TOKENS, return_offsets_mapping=True, return_token_type_ids=True)
    encoding = tokenizer(text, pair, **options)
    sides = encoding.sequence_ids()
    offsets = [[utf16((text, pair)[side or 0], at) for at in range] for side, range in zip(sides, encoding["offset_mapping"])]
    inputs = {"input_ids": encoding["input_ids"], "attention_mask": encoding["attention_mask"]}
    if hasattr(model.config, "type_vocab_size"):
        inputs["token_type_ids"] = encoding["token_type_ids"]
    logits = model(**{name: torch.tensor([row]) for name, row in inputs.items()}).logits[0]
    several = model.config.problem_type == "multi_label_classification"
    return {
        "text": text,
        "pair": pair,
        "ids": encoding["input_ids"],
        # A digit per token; "-" for special tokens.
        "types": "".join(map(str, encoding["token_type_ids"])),
        "sides": "".join("-" if side is None else str(side) for side in sides),
        "offsets": offsets,
        "truncated": len(encoding["input_ids"]) < len(tokenizer(text, pair)["input_ids"]),
        "scores": floats(torch.sigmoid(logits) if several else torch.softmax(logits, dim=-1)),
    }


def make_pairs():
    """Writes goldens/pairs.json."""
    models = []
    for name in MODELS:
        folder = HERE / "models" / name
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        models.append({"name": name, "cases": [case(tokenizer, model, *texts) for texts in TEXTS]})
    golden = {"versions": VERSIONS, "models": models}
    (HERE / "goldens" / "pairs.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="ascii")
    print(f"goldens/pairs.json: {len(MODELS)} models, {len(TEXTS)} texts and pairs each")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    make_pairs()
