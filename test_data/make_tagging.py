"""Makes tagging/*.json: the results of Python's token classification pipeline for the tokens of some texts.

    python test_data/make_tagging.py

The models' weights are random, so that labels change within words. The logits are rounded to three decimals before the
pipeline sees them, and all labels are kept (`ignore_labels=[]`). Offsets are in UTF-16 units. The same versions on the
same kind of processor give the same bytes.
"""

import json

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForTokenClassification,
    TokenClassificationPipeline,
    XLMRobertaConfig,
    XLMRobertaForTokenClassification,
)
from transformers.pipelines.token_classification import AggregationStrategy

from encoders import random_state
from golden import HERE, VERSIONS, tiny_tokenizer

BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
POS = ["NOUN", "VERB", "PUNCT"]  # no prefixes, no "O"
STRATEGIES = ("none", "simple", "first", "average", "max")
TEXTS = [
    "My name is Sarah and I live in London.",
    "It's not great, and unbelievable! We don't recommend the restaurant; they're rude.",
    "ana.ruiz+news@example.com, +34 600 123 456",
    "Zoë Núñez-O'Connor lives in São Paulo",
    "e\u0301te\u0301 and cafe\u0301",
    "😀 Ana 👩‍👩‍👧 met 🇩🇪 Jürgen 中文 at 5pm",
    "  two  spaces\tand a tab\nand a line ",
    "x",
    "...",
]


def bert():
    like = json.loads((HERE.parent / "models/sentiment-en-1/tokenizer.json").read_text("utf-8"))
    tokenizer = tiny_tokenizer(like, 420)
    tokenizer["truncation"] = tokenizer["padding"] = None
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(tokenizer)), unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        pad_token="[PAD]", mask_token="[MASK]",
    )
    return tokenizer, BertForTokenClassification, BertConfig, {}


def roberta():
    made = json.loads((HERE / "tokenizer/bpe.json").read_text("utf-8"))
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in made["merges"]]
    tokenizer = Tokenizer(models.BPE(made["vocab"], merges, continuing_subword_prefix="", end_of_word_suffix=""))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return wrapped(tokenizer), RobertaForTokenClassification, RobertaConfig, dict(max_position_embeddings=514, type_vocab_size=1)


def xlm_roberta():
    made = json.loads((HERE / "tokenizer/unigram.json").read_text("utf-8"))
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    vocabulary = [(token, 0.0) for token in special] + [tuple(piece) for piece in made["vocab"] if piece[0] not in special]
    tokenizer = Tokenizer(models.Unigram(vocabulary, 3, False))
    tokenizer.normalizer = normalizers.Nmt()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)])
    tokenizer.decoder = decoders.Metaspace()
    return wrapped(tokenizer), XLMRobertaForTokenClassification, XLMRobertaConfig, dict(max_position_embeddings=514, type_vocab_size=1)


def wrapped(tokenizer):
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>",
    )


# By name: the function, the labels, the seed, and how the vocabulary spells words.
MODELS = {
    "bert": (bert, BIO, 41, "prefix"),
    "roberta": (roberta, BIO, 42, "bytes"),
    "xlm-roberta": (xlm_roberta, BIO, 43, "spaces"),
    "bert-pos": (bert, POS, 44, "prefix"),
}


def utf16(text, place):
    return len(text[:place].encode("utf-16-le")) // 2


def case_of(pipeline, text):
    (inputs,) = pipeline.preprocess(text, is_split_into_words=False)
    with torch.no_grad():
        outputs = pipeline._forward(inputs)
    rounded = np.round(outputs["logits"].numpy().astype(np.float64), 3)
    outputs["logits"] = torch.from_numpy(rounded.astype(np.float32))
    ids, special = outputs["input_ids"][0].tolist(), outputs["special_tokens_mask"][0].tolist()
    pre = pipeline.gather_pre_entities(
        text, np.array(ids), rounded[0], outputs["offset_mapping"][0], special, AggregationStrategy.SIMPLE
    )
    tokens = [
        [pipeline.tokenizer.convert_ids_to_tokens(ids[each["index"]]), utf16(text, each["start"]), utf16(text, each["end"]), int(each["is_subword"])]
        for each in pre
    ]
    framed = [row for row, mark in zip(rounded[0], special) if not mark]
    expected = {}
    for strategy in STRATEGIES:
        pre, _, post = pipeline._sanitize_parameters(aggregation_strategy=strategy, ignore_labels=[])
        entities = pipeline.postprocess([outputs], **post)
        expected[strategy] = [
            [
                entity.get("entity_group", entity.get("entity")), round(float(entity["score"]), 7),
                utf16(text, entity["start"]), utf16(text, entity["end"]), entity["word"],
            ]
            for entity in entities
        ]
    return {"text": text, "tokens": tokens, "logits": np.array(framed).ravel().tolist(), "expected": expected}


def main():
    folder = HERE / "tagging"
    folder.mkdir(exist_ok=True)
    for name, (make, labels, seed, spelling) in MODELS.items():
        tokenizer, model_class, config_class, more = make()
        config = config_class(
            vocab_size=len(tokenizer), hidden_size=24, num_attention_heads=2, num_hidden_layers=2, intermediate_size=48,
            id2label=dict(enumerate(labels)), label2id={label: id for id, label in enumerate(labels)}, **more,
        )
        model = model_class(config).eval()
        model.load_state_dict(random_state(model, seed))
        pipeline = TokenClassificationPipeline(model=model, tokenizer=tokenizer)
        golden = {
            "versions": VERSIONS, "labels": labels, "spelling": spelling,
            "cases": [case_of(pipeline, text) for text in TEXTS],
        }
        path = folder / f"{name}.json"
        path.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
