"""Makes pii/entities.json: the entities that onnxruntime finds in pii/sentences.txt with models/pii-en.

    node scripts/models.mjs pii-en && python test_data/make_pii.py

The logits are onnxruntime's; the entities come from Python's pipeline, with the strategies "simple" and
"first". Offsets are in UTF-16 units. Needs onnxruntime 1.32 in addition to requirements.txt.
"""

import json
import re

import numpy as np
import onnxruntime
import torch
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast, TokenClassificationPipeline

from golden import HERE, VERSIONS
from make_tagging import utf16

FOLDER = HERE.parent / "models/pii-en"
MARK = re.compile(r"\[[A-Z]+ ([^\]]+)\]")


def main():
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(FOLDER / "tokenizer.json"), unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        pad_token="[PAD]", mask_token="[MASK]", model_max_length=512,
    )
    # The pipeline needs its model only for the labels.
    model = BertForTokenClassification(BertConfig.from_pretrained(FOLDER))
    pipeline = TokenClassificationPipeline(model=model, tokenizer=tokenizer)
    session = onnxruntime.InferenceSession(FOLDER / "onnx/model_q4.onnx", providers=["CPUExecutionProvider"])
    cases = []
    for line in (HERE / "pii/sentences.txt").read_text("utf-8").splitlines():
        if line == "" or line.startswith("#"):
            continue
        text = MARK.sub(r"\1", line)
        (inputs,) = pipeline.preprocess(text, is_split_into_words=False)
        names = ("input_ids", "attention_mask", "token_type_ids")
        ids = inputs["input_ids"].numpy()
        feed = dict(zip(names, (ids, np.ones_like(ids), np.zeros_like(ids))))
        (logits,) = session.run(["logits"], feed)
        entities = {}
        for strategy in ("simple", "first"):
            outputs = inputs | {"logits": torch.from_numpy(logits)}
            found = pipeline.postprocess([outputs], pipeline._sanitize_parameters(aggregation_strategy=strategy)[2]["aggregation_strategy"])
            entities[strategy] = [
                [each["entity_group"], utf16(text, each["start"]), utf16(text, each["end"]), round(float(each["score"]), 6)] for each in found
            ]
        cases.append({"text": text} | entities)
    versions = VERSIONS | {"onnxruntime": onnxruntime.__version__}
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    (HERE / "pii/entities.json").write_text(f'{{"versions":{json.dumps(versions)},"cases":[\n{lines}\n]}}\n', "utf-8")
    print(f"{len(cases)} sentences, {sum(len(case['simple']) for case in cases)} entities")


if __name__ == "__main__":
    main()
