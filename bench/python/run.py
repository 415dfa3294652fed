"""The native references, PyTorch and ONNX Runtime: handles the requests of bench/agent.js, one line of JSON each.

It tokenizes texts with `tokenizers` and returns probabilities, so that the same work is timed as in a page.
"""

import json
import sys
import time
import traceback

import numpy as np
from tokenizers import Tokenizer


def softmax(logits):
    """Probabilities of each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class PyTorch:
    """`transformers` in fp32, eager, without gradients."""

    def __init__(self, options):
        import torch
        from transformers import AutoModelForSequenceClassification

        self.torch = torch
        torch.set_num_threads(options["threads"])
        self.model = AutoModelForSequenceClassification.from_pretrained(options["model"]["folder"], dtype=torch.float32).eval()

    def logits(self, ids, mask):
        with self.torch.inference_mode():
            return self.model(input_ids=self.torch.from_numpy(ids), attention_mask=self.torch.from_numpy(mask)).logits.numpy()


class OnnxRuntime:
    """ONNX Runtime's CPU provider on the same file as in the browser."""

    def __init__(self, options):
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options["threads"]
        self.session = onnxruntime.InferenceSession(options["model"]["source"], settings, providers=["CPUExecutionProvider"])

    def logits(self, ids, mask):
        return self.session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]


ENGINES = {"pytorch": PyTorch, "onnxruntime": OnnxRuntime}


class Agent:
    """The counterpart of bench/agent.js."""

    def __init__(self):
        self.cases = {}

    def classify(self, texts):
        """Probabilities of each label for each text, padded to the longest."""
        encodings = self.tokenizer.encode_batch(texts)
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        return softmax(self.engine.logits(ids, mask)).tolist()

    def load(self, message):
        start = time.time() * 1000
        options = message["options"]
        self.engine = ENGINES[options["engine"]](options)
        self.tokenizer = Tokenizer.from_file(options["model"]["folder"] + "tokenizer.json")
        self.tokenizer.enable_truncation(options["model"]["maxTokens"])
        self.tokenizer.enable_padding()
        ready = time.time() * 1000
        self.classify(message["first"]["texts"])
        return {"start": start, "ready": ready, "answered": time.time() * 1000, "variant": None, "adapter": None}

    def store_cases(self, message):
        self.cases |= {case["id"]: case["requests"] for case in message["cases"]}

    def turn(self, message):
        requests = self.cases[message["id"]]
        times = []
        begun = time.perf_counter()
        i = -message["warmUp"]
        while i < message["iterations"]:
            texts = requests[(message["offset"] + i) % len(requests)]["texts"]
            start = time.perf_counter()
            self.classify(texts)
            end = time.perf_counter()
            if i >= 0:
                times.append((end - start) * 1000)
            i += 1
            if (end - begun) * 1000 > message["limit"]:
                if times:
                    break
                i = 0
        return times

    def answers(self, message):
        return [row for text in message["texts"] for row in self.classify([text])]


def main():
    agent = Agent()
    operations = {"load": agent.load, "cases": agent.store_cases, "turn": agent.turn, "answers": agent.answers, "memory": lambda _: None, "dispose": lambda _: None}
    for line in sys.stdin:
        message = json.loads(line)
        try:
            answer = {"result": operations[message["op"]](message)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
