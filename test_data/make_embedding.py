"""Makes goldens/embedding.json: vectors of texts by small random encoders, pooled as in
sentence-transformers.

Run in the environment of requirements.txt: `python test_data/make_embedding.py`. Mean pooling is over all
tokens except padding, including special ones; cls is the first token's state (sentence-transformers 5,
models/Pooling.py). Each text is computed alone, so there is no padding.
"""

import json
from pathlib import Path

import tokenizers
import torch
import transformers

HERE = Path(__file__).parent
MODELS = ["tiny-f32", "tiny-bert", "tiny-roberta", "tiny-xlm-roberta", "tiny-mpnet"]
TEXTS = [
    "A cat sits outside.",
    "the film was a delight from start to finish, and then some",
    "",
    "query: how do I reset my password?",
    "Straße, naïve café — 2,50 €",
    "word " * 300,
]


def vectors(name: str) -> dict:
    folder = HERE / "models" / name
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(64)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    result = {"mean": [], "cls": []}
    for text in TEXTS:
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.no_grad():
            states = model(input_ids=ids).last_hidden_state[0]
        result["mean"].append(states.mean(0).tolist())
        result["cls"].append(states[0].tolist())
    return {kind: [[round(x, 7) for x in row] for row in rows] for kind, rows in result.items()}


def main() -> None:
    versions = {module.__name__: module.__version__ for module in (torch, transformers, tokenizers)}
    goldens = {"versions": versions, "maxTokens": 64, "texts": TEXTS, "models": {name: vectors(name) for name in MODELS}}
    path = HERE / "goldens" / "embedding.json"
    path.write_text(json.dumps(goldens, ensure_ascii=False) + "\n")


main()
