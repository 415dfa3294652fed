"""Makes tokenizer/config.jsonl: how AutoTokenizer.from_pretrained combines tokenizer.json and
tokenizer_config.json.

Versions: transformers 5.24.0, tokenizers 0.23.3. Run it in this folder.
"""
import json, os, tempfile
from transformers import AutoTokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Hello", "hello", "café", "cafe", "Café", "Cafe", "test", "Test", "今", "天", "今天", "##今", "##天", "好", "a", "##b", "!", "<s>", "</s>", "new"]
N = lambda lower: {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": lower}
ID = WORDS.index
BASE = {
    "version": "1.0", "truncation": None, "padding": None,
    "added_tokens": [{"id": i, "content": WORDS[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for i in range(5)],
    "normalizer": N(True), "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {t: {"id": t, "ids": [ID(t)], "tokens": [t]} for t in ("[CLS]", "[SEP]")}},
    "decoder": None,
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {w: i for i, w in enumerate(WORDS)}},
}
CASED = {"normalizer": N(False)}
D = {"tokenizer_class": "DistilBertTokenizer"}
TOKEN = lambda content, **flags: {"content": content, "lstrip": False, "rstrip": False, "normalized": True, "single_word": False, "special": False, **flags}
CASES = {
    "both cased": (CASED, {**D, "do_lower_case": False}), "a lower-case file, a cased config": ({}, {**D, "do_lower_case": False}),
    "a cased file, a lower-case config": (CASED, {**D, "do_lower_case": True}), "a cased file, a config that says nothing of it": (CASED, D),
    "no class": (CASED, {}), "BertTokenizerFast": (CASED, {"tokenizer_class": "BertTokenizerFast"}), "a generic class": (CASED, {"tokenizer_class": "PreTrainedTokenizerFast"}),
    "an unknown class": (CASED, {"tokenizer_class": "MyTokenizer"}),
    "accents stripped": (CASED, {**D, "do_lower_case": False, "strip_accents": True}), "accents kept": ({}, {**D, "strip_accents": False}),
    "no Chinese characters": (CASED, {**D, "do_lower_case": False, "tokenize_chinese_chars": False}),
    "another frame": ({}, {**D, "cls_token": "<s>", "sep_token": "</s>"}), "a token as an object": ({}, {**D, "unk_token": {"__type": "AddedToken", **TOKEN("[PAD]", special=True)}}),
    "listed tokens": ({}, {**D, "added_tokens_decoder": {"24": TOKEN("new"), "5": TOKEN("Hello", normalized=False)}}),
    "listed tokens, a generic class": ({}, {"tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": {"24": TOKEN("new", normalized=False)}}),
    "further special tokens": ({}, {**D, "additional_special_tokens": ["new"]}),
    "a file with a short longest word": ({"model": {**BASE["model"], "max_input_chars_per_word": 2}}, D),
}
OF_CONFIG = {"the class of config.json": (CASED, {}, "PreTrainedTokenizerFast")}
TEXTS = ["Hello café test!", "Café Test a", "cafe\u0301 今天好", "ab [MASK] anew new!", "Hello<s>hello [PAD] zz", ""]

def row(name, fields, said, of_config=None):
    with tempfile.TemporaryDirectory() as folder:
        for file, value in {"tokenizer.json": {**BASE, **fields}, "tokenizer_config.json": said, "config.json": {"model_type": "distilbert", **({"tokenizer_class": of_config} if of_config else {})}}.items():
            with open(os.path.join(folder, file), "w") as f: json.dump(value, f)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        ids = lambda text: tokenizer(text)["input_ids"] if tokenizer(text, add_special_tokens=False)["input_ids"] else []
        return {"name": name, "class_of_config": of_config, "fields": fields, "tokenizer_config": said, "texts": [{"text": t, "ids": ids(t)} for t in TEXTS]}

with open("tokenizer/config.jsonl", "w", encoding="utf-8", newline="\n") as f:
    for name, case in {**CASES, **OF_CONFIG}.items(): f.write(json.dumps(row(name, *case), separators=(",", ":")) + "\n")
with open("tokenizer/config_base.json", "w", encoding="utf-8", newline="\n") as f: f.write(json.dumps(BASE) + "\n")
