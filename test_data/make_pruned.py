"""Writes pruned/: the results of `tokenizers` and PyTorch for a model with a pruned vocabulary.

`tabsense convert` makes the folder. Its tokenizer.json is kept here, and a test compares the command's output
with it. The texts are those of sentences.txt, which chose the vocabulary, and of tokenizer/cases.jsonl, which
did not.

    npm run build && python test_data/make_pruned.py
"""

import json
import subprocess
import tempfile
from pathlib import Path

import tokenizers
import torch
import transformers

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KEEP = 300


def main() -> None:
    sentences = (HERE / "sentences.txt").read_text("utf-8").splitlines()
    lines = (HERE / "tokenizer/cases.jsonl").read_text("utf-8").splitlines()
    others = [json.loads(line)["text"] for line in lines][:400:4]
    target = HERE / "pruned"
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        texts = ["--vocabulary", str(HERE / "sentences.txt"), "--keep", str(KEEP)]
        command = ["node", "dist/cli.js", "convert", str(HERE / "models/tiny-f32"), str(folder), *texts]
        subprocess.run(command, cwd=ROOT, check=True)
        (target / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        with open(target / "cases.jsonl", "w", encoding="utf-8") as out, torch.no_grad():
            for text in [*sentences, *others]:
                ids = tokenizer.encode(text).ids
                case = {"text": text, "ids": ids}
                if text in sentences:
                    case["logits"] = model(torch.tensor([ids])).logits[0].tolist()
                out.write(json.dumps(case, ensure_ascii=False) + "\n")
    print(f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}")


if __name__ == "__main__":
    main()
