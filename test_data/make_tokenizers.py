"""Makes tokenizer/kinds.jsonl: how `tokenizers` encodes every text with each kind of tokenizer.json's stages.

The vocabularies are trained here, on the sentences of this folder and the words of random_strings.py:
tokenizer/bpe.json, tokenizer/unigram.json and, by SentencePiece with its own normalization rules,
tokenizer/spm.model. Only a digest of ids and offsets is kept for each text.

Versions: tokenizers 0.23.3, sentencepiece 0.2.3. Run it in this folder; `--keep` leaves the vocabularies as they are.
"""
import base64, io, json, sys
from pathlib import Path

import random_strings as strings
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as model_pb2
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

HERE = Path("tokenizer")
CASES = sorted(Path("../tests/cases").glob("0[245]-*/expected-*.jsonl"))


def texts():
    """The texts of tokenizer/cases.jsonl, then those of the cases from public reports, each once."""
    lines = (HERE / "cases.jsonl").read_text("utf-8").splitlines()
    for file in CASES:
        lines += file.read_text("utf-8").splitlines()
    return list(dict.fromkeys(json.loads(line)["text"] for line in lines))


TEXTS = texts()


def digest(numbers):
    """64-bit FNV-1a over 32-bit numbers, folded to 16 bits."""
    state = 0xCBF29CE484222325
    for number in numbers:
        state = (state ^ number) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    state ^= state >> 32
    return f"{(state ^ state >> 16) & 0xFFFF:04x}"


def bytes_of(text, offsets):
    """Offsets in bytes, as Rust counts, from Python's in characters."""
    places = [0]
    for c in text:
        places.append(places[-1] + len(c.encode()))
    return [(places[start], places[end]) for start, end in offsets]


def digest_of(tokenizer, text):
    encoding = tokenizer.encode(text)
    return digest(n for id, (a, b) in zip(encoding.ids, bytes_of(text, encoding.offsets)) for n in (id, a, b))


def train():
    corpus = Path("sentences.txt").read_text("utf-8").splitlines()
    corpus += [json.loads(line)["text"] for line in Path("sentiment_validation.jsonl").read_text("utf-8").splitlines()]
    corpus += [" ".join(words) for words in (strings.WORDS, strings.ACCENTED, strings.CASES, strings.NUMBERS, strings.PUNCTUATION, strings.EMOJI)] * 5
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=1500, special_tokens=special, initial_alphabet=alphabet, show_progress=False))
    model = json.loads(bpe.to_str())["model"]
    write(HERE / "bpe.json", {"vocab": model["vocab"], "merges": model["merges"]})
    for name, rules in {"spm.model": {"normalization_rule_name": "nmt_nfkc"}, "small.model": {"normalization_rule_tsv": "/tmp/rules.tsv"}}.items():
        Path("/tmp/rules.tsv").write_text("\n".join(RULES) + "\n", "utf-8")
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus), model_writer=out, vocab_size=1500, hard_vocab_limit=False, character_coverage=0.9995, model_type="unigram", num_threads=1, minloglevel=2, **rules)
        if name == "spm.model":
            (HERE / name).write_bytes(out.getvalue())
        else:
            proto = model_pb2.ModelProto.FromString(out.getvalue())
            pieces = [[piece.piece, round(piece.score, 4)] for piece in proto.pieces]
            write(HERE / "unigram.json", {"charsmap": base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode(), "vocab": pieces})


# Rules of a character map: one character for one, fewer, more or none; a whole grapheme; a start that is
# shorter than its grapheme.
RULES = ["41\t61", "FF21\t61", "FB01\t66 69", "FB03\t66 66 69", "AD\t", "200B\t20", "A0\t20", "3000\t20", "9\t20", "A\t20", "2026\t2E 2E 2E", "65 301\tE9", "E9\t65 301",
         "308\t", "130\t69", "FDFA\t635 644 649 20 627 644 644 647", "1F600\t3A 29", "E0001\t"]


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8", newline="\n")


def special(id, content, **flags):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True, **flags}


def sequence(part, *stages):
    return {"type": "Sequence", part: list(stages)}


BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": False}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
ROBERTA = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": False}
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SPACES = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
XLMR = sequence("pretokenizers", {"type": "WhitespaceSplit"}, SPACES)
MAP = {"type": "Precompiled", "precompiled_charsmap": None}  # that of unigram.json
N = lambda kind, **fields: {"type": kind, **fields}
REPLACE = lambda kind, pattern, content: N("Replace", pattern={kind: pattern}, content=content)
STRIP = lambda left, right: N("Strip", strip_left=left, strip_right=right)
SPLIT = lambda kind, pattern, behavior, invert=False: N("Split", pattern={kind: pattern}, behavior=behavior, invert=invert)
MASKS = [special(0, "<s>"), special(2, "</s>"), special(4, "<mask>", lstrip=True)]

# Name: the base, the fields of tokenizer.json, and those of its model.
KINDS = {
    "WordPiece: cased": ("wordpiece", {"normalizer": BERT}, {}),
    "WordPiece: cased, accents go": ("wordpiece", {"normalizer": {**BERT, "strip_accents": True}}, {}),
    "WordPiece: lower case, accents stay": ("wordpiece", {"normalizer": {**BERT, "lowercase": True, "strip_accents": False}}, {}),
    "WordPiece: no Chinese": ("wordpiece", {"normalizer": {**BERT, "handle_chinese_chars": False, "lowercase": True}}, {}),
    "WordPiece: not cleaned": ("wordpiece", {"normalizer": {**BERT, "clean_text": False}}, {}),
    "WordPiece: forms and white space": ("wordpiece", {"normalizer": sequence("normalizers", N("NFD"), N("Lowercase"), N("StripAccents")), "pre_tokenizer": N("Whitespace")}, {}),
    "WordPiece: NFKC, white space and punctuation": ("wordpiece", {"normalizer": N("NFKC"), "pre_tokenizer": sequence("pretokenizers", N("WhitespaceSplit"), N("Punctuation"))}, {}),
    "WordPiece: NFC, digits": ("wordpiece", {"normalizer": N("NFC"), "pre_tokenizer": sequence("pretokenizers", N("BertPreTokenizer"), N("Digits", individual_digits=True))}, {}),
    "WordPiece: NFKD, digits in runs, strip": ("wordpiece", {"normalizer": sequence("normalizers", N("NFKD"), STRIP(True, True)), "pre_tokenizer": sequence("pretokenizers", N("Digits", individual_digits=False), N("CharDelimiterSplit", delimiter=" "))}, {}),
    "WordPiece: punctuation with what follows": ("wordpiece", {"normalizer": N("Lowercase"), "pre_tokenizer": sequence("pretokenizers", N("Punctuation", behavior="MergedWithNext"), N("WhitespaceSplit"))}, {}),
    "WordPiece: punctuation with what is before": ("wordpiece", {"normalizer": N("Lowercase"), "pre_tokenizer": sequence("pretokenizers", N("WhitespaceSplit"), N("Punctuation", behavior="MergedWithPrevious"))}, {}),
    "WordPiece: splits": ("wordpiece", {"normalizer": N("Lowercase"), "pre_tokenizer": sequence("pretokenizers", SPLIT("Regex", r"\s+", "Removed"), SPLIT("String", "a", "Contiguous"), SPLIT("Regex", r"[^a-z\p{N}]", "Isolated"))}, {}),
    "WordPiece: split inverted": ("wordpiece", {"normalizer": N("Lowercase"), "pre_tokenizer": SPLIT("Regex", r"\w+", "Removed", True)}, {}),
    "BPE: RoBERTa": ("bpe", {"pre_tokenizer": BYTES, "post_processor": ROBERTA, "added_tokens": MASKS}, {}),
    "BPE: RoBERTa with a space in front": ("bpe", {"pre_tokenizer": {**BYTES, "add_prefix_space": True}, "post_processor": {**ROBERTA, "add_prefix_space": True}, "added_tokens": MASKS}, {}),
    "BPE: offsets with their spaces": ("bpe", {"pre_tokenizer": {**BYTES, "add_prefix_space": True}, "post_processor": {**ROBERTA, "trim_offsets": False}, "added_tokens": MASKS}, {}),
    "BPE: no words": ("bpe", {"pre_tokenizer": {**BYTES, "use_regex": False}, "post_processor": sequence("processors", BYTES)}, {}),
    "BPE: split, then bytes": ("bpe", {"normalizer": N("NFC"), "pre_tokenizer": sequence("pretokenizers", SPLIT("Regex", GPT2, "Isolated"), {**BYTES, "use_regex": False}), "post_processor": sequence("processors", {**BYTES, "add_prefix_space": True})}, {}),
    "BPE: digits, then bytes": ("bpe", {"pre_tokenizer": sequence("pretokenizers", N("Digits", individual_digits=True), BYTES), "post_processor": {**BYTES, "trim_offsets": False}}, {"ignore_merges": True}),
    "BPE: bytes by the normalizer": ("bpe", {"normalizer": sequence("normalizers", N("NFC"), N("ByteLevel"))}, {}),
    "BPE: characters": ("bpe", {"pre_tokenizer": N("Whitespace")}, {"unk_token": "<unk>"}),
    "BPE: characters, unknown ones fused": ("bpe", {"pre_tokenizer": N("Whitespace")}, {"unk_token": "<unk>", "fuse_unk": True}),
    "BPE: unknown characters left out": ("bpe", {"pre_tokenizer": N("WhitespaceSplit")}, {}),
    "BPE: end of words": ("bpe", {"pre_tokenizer": N("Whitespace")}, {"unk_token": "<unk>", "end_of_word_suffix": "e", "merges": []}),
    "Unigram: XLM-R": ("unigram", {"normalizer": MAP, "pre_tokenizer": XLMR}, {}),
    "Unigram: Metaspace alone": ("unigram", {"normalizer": MAP, "pre_tokenizer": SPACES}, {}),
    "Unigram: as SentencePiece": ("unigram", {"normalizer": sequence("normalizers", MAP, STRIP(False, True), REPLACE("Regex", " {2,}", "▁")), "pre_tokenizer": SPACES, "added_tokens": [special(1, "<s>"), special(2, "</s>"), special(0, "<unk>")]}, {}),
    "Unigram: first": ("unigram", {"normalizer": MAP, "pre_tokenizer": {**SPACES, "prepend_scheme": "first"}, "added_tokens": [special(1, "[SEP]"), special(5, "the", normalized=True, special=False)]}, {}),
    "Unigram: never, whole": ("unigram", {"normalizer": MAP, "pre_tokenizer": {**SPACES, "prepend_scheme": "never", "split": False}}, {}),
    "Unigram: the old Metaspace": ("unigram", {"normalizer": sequence("normalizers", REPLACE("String", "``", '"'), REPLACE("String", "''", '"'), N("NFKD"), N("StripAccents"), N("Lowercase"), MAP), "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True}}, {}),
    "Unigram: nothing": ("unigram", {}, {}),
    "Unigram: Nmt": ("unigram", {"normalizer": sequence("normalizers", N("Nmt"), N("NFKC"), REPLACE("Regex", r"\s+", " ")), "pre_tokenizer": XLMR}, {}),
    "Unigram: DeBERTa": ("unigram", {"normalizer": sequence("normalizers", REPLACE("Regex", r"\s{2,}|[\n\r\t]", " "), N("NFC"), STRIP(False, True)), "pre_tokenizer": sequence("pretokenizers", N("Punctuation", behavior="Isolated"), SPACES)}, {}),
    "Unigram: prepend": ("unigram", {"normalizer": sequence("normalizers", N("Prepend", prepend="▁"), REPLACE("String", " ", "▁"))}, {}),
    "Unigram: bytes": ("unigram", {"normalizer": MAP, "pre_tokenizer": XLMR}, {"byte_fallback": True}),
}


def build(kind, bases):
    base, fields, model = KINDS[kind]
    file = json.loads(json.dumps({**bases[base], **fields}))
    file["model"].update(model)

    def fill(stage):
        if isinstance(stage, dict):
            for inner in stage.get("normalizers", []): fill(inner)
            if stage.get("type") == "Precompiled": stage["precompiled_charsmap"] = bases["charsmap"]

    fill(file["normalizer"])
    return file


def bases():
    bpe, unigram = (json.loads((HERE / name).read_text("utf-8")) for name in ("bpe.json", "unigram.json"))
    wordpiece = json.loads(Path("../models/sentiment-en-1/tokenizer.json").read_text("utf-8"))
    none = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    options = {"dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False}
    fallback = [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    return {"wordpiece": {**wordpiece, "truncation": None, "padding": None}, "bpe": {**none, "model": {"type": "BPE", **options, **bpe}}, "charsmap": unigram["charsmap"],
            "unigram": {**none, "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": unigram["vocab"] + fallback}}}


if __name__ == "__main__":
    if "--keep" not in sys.argv: train()
    all, out = bases(), []
    for kind, (base, fields, model) in KINDS.items():
        tokenizer = Tokenizer.from_str(json.dumps(build(kind, all)))
        out.append({"name": kind, "base": base, "fields": fields, "model": model, "digests": "".join(digest_of(tokenizer, text) for text in TEXTS)})
    (HERE / "kinds.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in out), "utf-8", newline="\n")
    print(len(TEXTS), "texts,", len(out), "kinds")
