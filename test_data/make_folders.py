"""Makes tokenizer/folders.jsonl: how AutoTokenizer.from_pretrained encodes texts with the files of older and
newer repositories.

Keeps a digest of ids and offsets for each text of make_tokenizers.py. For some pairs, cut to some lengths,
keeps all of them, and the ids when only the first text is cut. File contents that begin with "@" stand for
files of this folder: see `content`.

Versions: transformers 5.24.0, tokenizers 0.23.3. Run it in this folder, after make_tokenizers.py.
"""
import json, os, shutil, tempfile

from transformers import AutoTokenizer

from make_tokenizers import BERT, BYTES, HERE, MASKS, ROBERTA, SPACES, TEXTS, bases, bytes_of, digest, sequence, special

BASES = bases()
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "<pad>", "</s>", "<mask>", "the", "The", "film", "was", "good", "Good", "café", "cafe", "Cafe", "a", "##b", "##a", "##s", "今", "##天", "天",
         "e", "##e", "é", "!", ".", ",", "'", "t", "s", "it", "not", "great", "na", "##ï", "##i", "##ve", "and", "of", "unbelievable", "un", "##believ", "##able", "  padded\t"]


def content(value):
    """The contents of a file, as text or bytes."""
    if not isinstance(value, str): return json.dumps(value)
    if value == "@words": return "\n".join(WORDS) + "\n"
    if value == "@vocab.json": return json.dumps(BASES["bpe"]["model"]["vocab"])
    if value == "@merges.txt": return "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in BASES["bpe"]["model"]["merges"])
    if value == "@spm.model": return (HERE / "spm.model").read_bytes()
    return value


def file(base, **fields):
    """A tokenizer.json: the name of its base, and the fields that differ."""
    return {"@base": base, **fields}


def filled(value):
    if not isinstance(value, dict) or "@base" not in value: return value
    if value["@base"] == "words":
        return {**BASES["bpe"], "normalizer": BERT, "pre_tokenizer": {"type": "BertPreTokenizer"}, **{k: v for k, v in value.items() if k != "@base"},
                "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {w.rstrip(): i for i, w in enumerate(WORDS)}}}
    out = {**BASES[value["@base"]], **{k: v for k, v in value.items() if k != "@base"}}
    if out["normalizer"] == "@map": out["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": BASES["charsmap"]}
    return out


SLOW_BERT = {"vocab.txt": "@words"}
SLOW_ROBERTA = {"vocab.json": "@vocab.json", "merges.txt": "@merges.txt"}
SLOW_XLMR = {"sentencepiece.bpe.model": "@spm.model"}
MASK = {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": True}
MAPPED = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>", "mask_token": MASK}
XLMR = file("unigram", normalizer="@map", pre_tokenizer=sequence("pretokenizers", {"type": "WhitespaceSplit"}, SPACES), added_tokens=[special(1, "<s>"), special(2, "</s>"), special(0, "<unk>")])
BERT_STAGES = {"normalizer": BERT, "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]}}
C = "tokenizer_config.json"
# Name: the model's type and the files.
FOLDERS = {
    "SST-2: vocab.txt and 48 bytes": ("distilbert", {**SLOW_BERT, C: {"do_lower_case": True, "model_max_length": 512}}),
    "vocab.txt alone": ("bert", SLOW_BERT),
    "vocab.txt, cased": ("bert", {**SLOW_BERT, C: {"do_lower_case": False, "model_max_length": 512}, "special_tokens_map.json": {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}}),
    "vocab.txt, added_tokens.json": ("bert", {**SLOW_BERT, C: {"do_lower_case": False, "additional_special_tokens": ["<e1>"]}, "added_tokens.json": {"<e1>": 48, "new word": 49, "good": 13}}),
    "vocab.txt, a map of other tokens": ("electra", {**SLOW_BERT, "special_tokens_map.json": {"cls_token": "<s>", "sep_token": {"content": "</s>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False}, "extra_special_tokens": ["<e1>"]}}),
    "vocab.txt, accents and no Chinese": ("bert", {**SLOW_BERT, C: {"tokenize_chinese_chars": False, "strip_accents": False, "tokenizer_class": "BertTokenizer"}}),
    "a list of tokens hides the map": ("bert", {**SLOW_BERT, C: {"added_tokens_decoder": {"48": {"content": "<e1>", "lstrip": False, "rstrip": True, "normalized": False, "single_word": False, "special": True}}}, "special_tokens_map.json": {"cls_token": "<s>"}}),
    "MPNet: vocab.txt": ("mpnet", SLOW_BERT),
    "MPNet: tokenizer.json": ("mpnet", {"tokenizer.json": file("words"), C: {"tokenizer_class": "MPNetTokenizer", "do_lower_case": True, "mask_token": {"__type": "AddedToken", **MASK}}}),
    "BERT: tokenizer.json": ("electra", {"tokenizer.json": file("words"), C: {"tokenizer_class": "ElectraTokenizer", "do_lower_case": True}}),
    "RoBERTa: vocab.json and merges.txt": ("roberta", SLOW_ROBERTA),
    "RoBERTa: with a map": ("roberta", {**SLOW_ROBERTA, C: {"model_max_length": 512, "add_prefix_space": True}, "special_tokens_map.json": MAPPED}),
    "RoBERTa: offsets with blanks": ("roberta", {**SLOW_ROBERTA, C: {"trim_offsets": False, "tokenizer_class": "RobertaTokenizer"}}),
    "RoBERTa: tokenizer.json": ("roberta", {"tokenizer.json": file("bpe", pre_tokenizer={**BYTES, "add_prefix_space": True}, post_processor=ROBERTA, added_tokens=MASKS), C: {"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": False}}),
    "RoBERTa: a generic class": ("roberta", {"tokenizer.json": file("bpe", pre_tokenizer={**BYTES, "add_prefix_space": True}, post_processor={**ROBERTA, "add_prefix_space": True}, added_tokens=MASKS), C: {"tokenizer_class": "PreTrainedTokenizerFast", "mask_token": "<mask>"}}),
    "data2vec: vocab.json and merges.txt": ("data2vec-text", SLOW_ROBERTA),
    "XLM-R: sentencepiece.bpe.model": ("xlm-roberta", SLOW_XLMR),
    "XLM-R: with a configuration": ("xlm-roberta", {**SLOW_XLMR, C: {"add_prefix_space": False, "mask_token": {"__type": "AddedToken", **MASK}, "additional_special_tokens": ["<e1>"]}}),
    "XLM-R: with a map": ("xlm-roberta", {**SLOW_XLMR, "special_tokens_map.json": MAPPED}),
    "XLM-R: tokenizer.json": ("xlm-roberta", {"tokenizer.json": XLMR, C: {"tokenizer_class": "XLMRobertaTokenizer"}}),
    "e5: a BERT with XLM-R's tokenizer": ("bert", {"tokenizer.json": {**XLMR, "normalizer": "@map"}, C: {"tokenizer_class": "XLMRobertaTokenizer", "mask_token": {"__type": "AddedToken", **MASK}}}),
    "CamemBERT: sentencepiece.bpe.model": ("camembert", SLOW_XLMR),
    "CamemBERT: with a configuration": ("camembert", {**SLOW_XLMR, C: {"tokenizer_class": "CamembertTokenizer", "additional_special_tokens": ["<s>NOTUSED", "</s>NOTUSED"]}}),
    "CamemBERT: tokenizer.json": ("camembert", {"tokenizer.json": XLMR, C: {}}),
    "DeBERTa: spm.model": ("deberta-v2", {"spm.model": "@spm.model"}),
    "DeBERTa: spm.model with a configuration": ("deberta-v2", {"spm.model": "@spm.model", C: {"do_lower_case": True, "split_by_punct": True, "vocab_type": "spm"}}),
    "DeBERTa: tokenizer.json": ("deberta-v2", {"tokenizer.json": {**XLMR, "added_tokens": []}, C: {"tokenizer_class": "DebertaV2TokenizerFast", "unk_token": "<unk>", "add_prefix_space": False}}),
    "BERT: a generic class": ("bert", {"tokenizer.json": file("words", **BERT_STAGES), C: {"tokenizer_class": "PreTrainedTokenizerFast"}}),
    "BERT: a generic class that names types": ("bert", {"tokenizer.json": file("words", **BERT_STAGES), C: {"tokenizer_class": "TokenizersBackend", "model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}}),
    "BERT: DistilBERT's class": ("bert", {"tokenizer.json": file("words"), C: {"tokenizer_class": "DistilBertTokenizer"}}),
    "BERT: names without types": ("bert", {**SLOW_BERT, C: {"model_input_names": ["input_ids", "attention_mask"]}}),
    "BERT: a map that names types": ("bert", {"tokenizer.json": file("words", **BERT_STAGES), C: {"tokenizer_class": "PreTrainedTokenizerFast"}, "special_tokens_map.json": {"model_input_names": ["token_type_ids", "input_ids"]}}),
    "BERT: tokenizer.json alone": ("bert", {"tokenizer.json": file("words", **{**BERT_STAGES, "normalizer": {**BERT, "lowercase": True}, "added_tokens": [special(id, word) for id, word in enumerate(WORDS[:5])]})}),
    "tokens of the model": ("bert", {**SLOW_BERT, C: {"extra_special_tokens": {"x_token": "<x>", "y": "<y>"}, "image_token": "<img>"}}),
}
PAIRS = [("The film was good.", "It's not great, and unbelievable!"), ("a", "The café was good, and the film was not."), ("the film was good and the café was great and the film was good", "good"), (" Good <mask> film ", "  </s> it [SEP]"), ("", "good"), ("good", "")]
LENGTHS = [None, 24, 13, 12, 9, 8, 5, 4]


def row(name, model_type, files):
    with tempfile.TemporaryDirectory() as folder:
        for file_name, value in {**files, "config.json": {"model_type": model_type}}.items():
            data = content(filled(value))
            with open(os.path.join(folder, file_name), "wb") as f: f.write(data if isinstance(data, bytes) else data.encode())
        tokenizer = AutoTokenizer.from_pretrained(folder)

        def digest_of(text):
            e = tokenizer(text, return_offsets_mapping=True)
            return digest(n for id, (a, b) in zip(e["input_ids"], bytes_of(text, e["offset_mapping"])) for n in (id, a, b))

        def pair(text, other, length, cut="longest_first"):
            e = tokenizer(text, other, truncation=cut if length else False, max_length=length, return_offsets_mapping=True)
            sides = e.sequence_ids()
            types = e.get("token_type_ids", [0] * len(sides))  # zeros if the model has no types
            offsets = [bytes_of((text, other)[side or 0], [at])[0] for side, at in zip(sides, e["offset_mapping"])]
            return {"text": text, "pair": other, "length": length, "ids": e["input_ids"], "types": types, "offsets": offsets, "second": [i for i, side in enumerate(sides) if side == 1]}

        def text_cut(text, other, length):
            """The ids if only the text may be cut; None if Python raises because it is too short for that."""
            try: return pair(text, other, length, "only_first")["ids"]
            except Exception as e:
                if "too short" not in str(e): raise
                return None

        pairs = [{**pair(*case), "only_first": text_cut(*case)} for case in ((text, other, length) for text, other in PAIRS for length in LENGTHS)]
        return {"name": name, "model_type": model_type, "files": files, "digests": "".join(map(digest_of, TEXTS)), "pairs": pairs}


if __name__ == "__main__":
    with open(HERE / "folders.jsonl", "w", encoding="utf-8", newline="\n") as f:
        for name, (model_type, files) in FOLDERS.items():
            f.write(json.dumps(row(name, model_type, files), ensure_ascii=False, separators=(",", ":")) + "\n")
