"""Makes tokenizer/added.jsonl: added tokens with every flag, and texts encoded with them by Python's
`tokenizers`.

Versions: tokenizers 0.23.3. Run it in this folder.
"""
import copy, json, random
from tokenizers import Tokenizer

WORDS = ["[UNK]", "[CLS]", "[SEP]", "x", "e", "is", "good", "a", "b", "c", "é", "##e", "##a", "##b", "##é", "ab", "[", "]", "sep", "中", "!", ".", "ß"]
BASE = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": None, "decoder": None,
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
              "vocab": {w: i for i, w in enumerate(WORDS)}},
}
CONTENTS = ["é", "ab", "a", "[SEP]", "a b", "É!", "中", "b ", " a", "ß", "aa", "e\u0301", "A", ".", "中中", "\u200d", "_"]
PIECES = ["é", "É", "e\u0301", "a", "b", "ab", "AB", " ", "  ", "\n", "[SEP]", "[sep]", "中", "x", "!", ".", "_", "\u200d", "\u0301", "ß", "is", "good", "\u3000"]

def token(rng, content, i):
    flag = lambda: rng.random() < 0.4
    token = {"id": len(WORDS) + i, "content": content, "single_word": flag(), "lstrip": flag(), "rstrip": flag(), "normalized": flag(), "special": flag()}
    if content == "\u200d": token["normalized"] = False  # normalized to nothing, at which Python panics
    return token

def rows(tokens, lower, texts):
    file = copy.deepcopy(BASE)
    file["added_tokens"], file["normalizer"]["lowercase"] = tokens, lower
    tokenizer = Tokenizer.from_str(json.dumps(file))
    out = []
    for text in texts:
        e = tokenizer.encode(text)
        out.append({"text": text, "ids": e.ids, "offsets": [list(o) for o in e.offsets]})
    return {"tokens": tokens, "lowercase": lower, "texts": out}

rng = random.Random(7)
trap = {"id": 10, "content": "é", "single_word": True, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
cases = [rows([trap], True, ["xé é is good", "é", "éé", "é é", "_é", "é\u0301 é"])]
for _ in range(300):
    contents = rng.sample(CONTENTS, rng.randint(1, 4))
    texts = ["".join(rng.choice(PIECES) for _ in range(rng.randint(1, 12))) for _ in range(6)]
    cases.append(rows([token(rng, c, i) for i, c in enumerate(contents)], rng.random() < 0.5, texts))
with open("tokenizer/added.jsonl", "w", encoding="utf-8", newline="\n") as f:
    for case in cases:
        f.write(json.dumps({**case}, ensure_ascii=True, separators=(",", ":")) + "\n")
with open("tokenizer/added_base.json", "w", encoding="utf-8", newline="\n") as f:
    f.write(json.dumps(BASE, ensure_ascii=True) + "\n")
