"""Makes zero_shot/: NLI models with random weights, and zero_shot/goldens.json, the results of Python's
pipeline for texts and labels.

Versions: transformers 5.24.0, tokenizers 0.23.3, torch 2.15.0. Run it in this folder. The same versions give the same bytes on the same kind of processor.
"""
import json, shutil

import torch
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, RobertaConfig, pipeline

from make_folders import BASES, BYTES, MASKS, ROBERTA
from golden import HERE, floats

OUT = HERE / "zero_shot"
MAX_TOKENS = 64
SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
# The labels of well-known models, by id: with two labels and with three.
ORDERS = {
    2: {"two labels, entailment first": ["entailment", "not_entailment"], "two labels, entailment last": ["not_entailment", "entailment"], "no names": ["LABEL_0", "LABEL_1"]},
    3: {
        "bart-large-mnli": ["contradiction", "neutral", "entailment"],
        "roberta-large-mnli": ["CONTRADICTION", "NEUTRAL", "ENTAILMENT"],
        "deberta-nli": ["entailment", "neutral", "contradiction"],
        "nli-distilroberta-base": ["contradiction", "entailment", "neutral"],
        "no names": ["LABEL_0", "LABEL_1", "LABEL_2"],
        "German": ["Entailment (ja)", "neutral", "contradiction"],
    },
}
TEMPLATE = "This example is {}."
# Text, labels, template, whether several labels may apply.
CASES = [
    ("The film was good, and the food great.", ["film", "food", "travel"], TEMPLATE, False),
    ("The film was good, and the food great.", ["film", "food", "travel"], TEMPLATE, True),
    ("one label alone", ["good"], TEMPLATE, False),
    ("one label alone", ["good"], TEMPLATE, True),
    ("labels in a string", " film,food ,, great, ", TEMPLATE, False),
    ("a label of its own", "good", "{}", True),
    ("other templates", ["good", "not good"], "Das ist {0}, {0}!", False),
    ("braces", ["a {b}", "{}"], "{{{}}} it", False),
    ("one label twice", ["good", "bad", "good"], TEMPLATE, True),
    (" ", ["good", "bad"], TEMPLATE, False),
    # The text is cut, never the label.
    ("good film " * 60, ["short", "a label that leaves little of the text"], TEMPLATE, False),
    ("good film " * 60, ["the film was good, the food was great", "x"], "It is {}", True),
    (["two texts", "of one call, the second is longer"], ["film", "food"], TEMPLATE, False),
]


def models():
    """Each model's name, configuration, tokenizer.json and tokenizer class."""
    words = json.loads((HERE / "models" / "tiny-bert" / "tokenizer.json").read_text("utf-8"))
    vocabulary = len(words["model"]["vocab"])
    bert = lambda labels: BertConfig(**SIZES, vocab_size=vocabulary, max_position_embeddings=MAX_TOKENS, num_labels=labels)
    for labels in (2, 3):
        yield f"bert-{labels}", bert(labels), words, "BertTokenizer"
    bytes = {**BASES["bpe"], "pre_tokenizer": BYTES, "post_processor": ROBERTA, "added_tokens": MASKS}
    roberta = RobertaConfig(**SIZES, vocab_size=len(bytes["model"]["vocab"]), max_position_embeddings=MAX_TOKENS + 2, type_vocab_size=1, num_labels=3)
    yield "roberta-3", roberta, bytes, "RobertaTokenizer"


def write(folder, config, tokenizer, tokenizer_class):
    folder.mkdir(parents=True)
    model = AutoModelForSequenceClassification.from_config(config)
    for name, parameter in model.named_parameters():
        # Large enough that attention and logits differ from text to text.
        parameter.normal_(1.0 if name.endswith("LayerNorm.weight") else 0.0, 1.0 if name.startswith("classifier") else 0.4)
    tensors = {name: tensor.to(torch.float16).contiguous() for name, tensor in model.state_dict().items()}
    save_file({name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": MAX_TOKENS, "tokenizer_class": tokenizer_class}) + "\n", "utf-8")
    file = {**config.to_diff_dict(), "architectures": [type(model).__name__]}
    (folder / "config.json").write_text(json.dumps(file, indent=1, sort_keys=True) + "\n", "utf-8")


def results(folder, order):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    model.config.id2label = dict(enumerate(order))
    model.config.label2id = {label: i for i, label in enumerate(order)}
    classify = pipeline("zero-shot-classification", model=model, tokenizer=tokenizer, device="cpu")
    logits, forward = [], classify._forward
    classify._forward = lambda inputs: logits.append(forward(inputs)) or logits[-1]
    for text, labels, template, several in CASES:
        logits.clear()
        got = classify(text, candidate_labels=labels, hypothesis_template=template, multi_label=several)
        got = [got] if isinstance(got, dict) else got
        yield {
            "text": text, "labels": labels, "template": template, "multiLabel": several,
            # A row per label, text by text.
            "logits": [floats(row["logits"]) for row in logits],
            "results": [{"labels": one["labels"], "scores": [float(f"{score:.9g}") for score in one["scores"]]} for one in got],
        }


def make():
    shutil.rmtree(OUT, ignore_errors=True)
    goldens = []
    for seed, (name, config, tokenizer, tokenizer_class) in enumerate(models()):
        torch.manual_seed(seed)
        write(OUT / name, config, tokenizer, tokenizer_class)
        for order, labels in ORDERS[config.num_labels].items():
            goldens.append({"model": name, "order": order, "labels": labels, "cases": list(results(OUT / name, labels))})
    (OUT / "goldens.json").write_text(json.dumps(goldens, separators=(",", ":")) + "\n", encoding="ascii")


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        make()
