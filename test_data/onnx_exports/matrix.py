"""Every variant of ONNX file that is made from a model, by name."""

import functools
import subprocess
import tempfile
from pathlib import Path

import onnx
from transformers import AutoModel

import containers
import exporters
import fusers
import quantizers
import strangers


class Model:
    """A checkpoint, and the graphs made from it, each once. `optimum`: a Python with optimum-onnx."""

    def __init__(self, folder, optimum=None):
        self.folder, self.python = folder, optimum
        self.torch = exporters.load_model(folder)
        self.config = self.torch.config

    @functools.cache
    def traced(self, opset=14):
        return exporters.traced(self.torch, opset)

    @functools.cache
    def captured(self, opset=18):
        return exporters.captured(self.torch, opset)

    @functools.cached_property
    def bare(self):
        """Only the encoder, in PyTorch."""
        return exporters.load_model(self.folder, AutoModel)

    @functools.cache
    def optimum(self, task="text-classification"):
        """The output of `optimum-cli export onnx`, which needs an older `transformers`: a separate Python."""
        with tempfile.TemporaryDirectory() as out:
            options = ["--model", self.folder, "--task", task, out]
            command = [self.python, "-m", "optimum.exporters.onnx", *options]
            subprocess.run(list(map(str, command)), check=True, capture_output=True)
            return onnx.load(Path(out) / "model.onnx")

    @functools.cache
    def slim(self):
        """The graph as transformers.js' conversion has it before quantizing."""
        return quantizers.slim(self.optimum())

    @functools.cache
    def fused(self, **options):
        return fusers.fused(self.optimum(), self.config, **options)


def quantized_fused(m):
    return quantizers.q8(m.fused(), DefaultTensorType=onnx.TensorProto.FLOAT)


WITH_EMBEDDINGS = ("MatMul", "Gather")

VARIANTS = {
    "optimum": lambda m: m.optimum(),
    "slim": lambda m: m.slim(),
    "features": lambda m: m.optimum("feature-extraction"),
    "features-q8": lambda m: quantizers.q8(quantizers.slim(m.optimum("feature-extraction"))),
    "features-q4": lambda m: quantizers.q4(quantizers.slim(m.optimum("feature-extraction"))),
    "traced": lambda m: m.traced(),
    "traced-slim": lambda m: quantizers.slim(m.traced()),
    "traced-unfolded": lambda m: exporters.traced(m.torch, fold=False),
    "dynamo": lambda m: m.captured(),
    "dynamo-slim": lambda m: quantizers.slim(m.captured()),
    "dynamo-unoptimized": lambda m: exporters.captured(m.torch, optimize=False),
    **{f"traced-{n}": functools.partial(Model.traced, opset=n) for n in exporters.TRACED_OPSETS},
    **{f"dynamo-{n}": functools.partial(Model.captured, opset=n) for n in exporters.DYNAMO_OPSETS},
    # transformers.js: fp16, quantized, int8, uint8, q4, q4f16, bnb4. Its convert.py quantizes per channel to
    # 7 bits, quantize.py on its own per tensor to 8.
    "fp16": lambda m: quantizers.fp16(m.slim()),
    "q8": lambda m: quantizers.q8(m.slim()),
    "q8-convert": lambda m: quantizers.q8(m.slim(), per_channel=True, reduce_range=True),
    "uint8": lambda m: quantizers.uint8(m.slim()),
    "uint8-convert": lambda m: quantizers.uint8(m.slim(), per_channel=True, reduce_range=True),
    "q4": lambda m: quantizers.q4(m.slim()),
    "q4f16": lambda m: quantizers.fp16(quantizers.q4(m.slim())),
    "bnb4": lambda m: quantizers.bnb4(m.slim()),
    # The same operators with other settings.
    "q8-unslimmed": lambda m: quantizers.q8(m.optimum()),
    "q8-opset-11": lambda m: quantizers.q8(m.traced(11)),
    "q8-dynamo": lambda m: quantizers.q8(m.captured()),
    "q8-asymmetric": lambda m: quantizers.q8(m.slim(), WeightSymmetric=False),
    "q8-per-channel": lambda m: quantizers.q8(m.slim(), per_channel=True),
    "q8-per-channel-asymmetric": lambda m: quantizers.q8(m.slim(), per_channel=True, WeightSymmetric=False),
    "uint8-symmetric": lambda m: quantizers.uint8(m.slim(), WeightSymmetric=True),
    "q4-asymmetric": lambda m: quantizers.q4(m.slim(), symmetric=False),
    "q4-block-16": lambda m: quantizers.q4(m.slim(), block=16),
    "q4-gather": lambda m: quantizers.q4(m.slim(), operators=WITH_EMBEDDINGS),
    "q4-gather-asymmetric": lambda m: quantizers.q4(m.slim(), symmetric=False, operators=WITH_EMBEDDINGS),
    "q4-qdq": lambda m: quantizers.q4(m.slim(), quant_format=quantizers.QuantFormat.QDQ),
    "q4-q8-embeddings": lambda m: quantizers.q8(quantizers.q4(m.slim())),
    "q4-dynamo": lambda m: quantizers.q4(m.captured()),
    "nbits8": lambda m: quantizers.q4(m.slim(), bits=8),
    "fused-attention": lambda m: m.fused(),
    "fused-multi-head": lambda m: m.fused(multi_head=True),
    "fused-slim": lambda m: fusers.fused(m.slim(), m.config),
    "fused-fp16": lambda m: m.fused(half=True),
    "fused-approximate": lambda m: m.fused(approximate=True),
    "fused-q8": quantized_fused,
    "fused-q4": lambda m: quantizers.q4(m.fused()),
    "session-basic": lambda m: fusers.basic(m.optimum()),
    "session": lambda m: fusers.of_session(m.optimum()),
    "session-q8": lambda m: fusers.of_session(quantizers.q8(m.slim())),
    "session-q4": lambda m: fusers.of_session(quantizers.q4(m.slim())),
    "numbered": lambda m: containers.numbered(m.traced(11)),
    "numbered-q8": lambda m: quantizers.q8(containers.numbered(m.traced(11))),
    "external": lambda m: functools.partial(containers.save_external, m.slim()),
    "external-each": lambda m: functools.partial(containers.save_external, m.slim(), one_file=False),
    "constants": lambda m: containers.as_constants(m.slim()),
    "inputs": lambda m: containers.as_inputs(containers.numbered(m.traced(11))),
    "typed": lambda m: containers.typed(m.slim()),
    "typed-q8": lambda m: containers.typed(quantizers.q8(m.slim())),
    "weights-first": lambda m: containers.weights_first(m.slim()),
    "weights-first-q8": lambda m: containers.weights_first(quantizers.q8(m.slim())),
    "deeper-head": lambda m: quantizers.slim(strangers.with_deeper_head(m.torch)),
    "albert": lambda m: quantizers.slim(strangers.albert()),
}

# Encoders without a head: optimum's task feature-extraction.
BARE = ("features", "features-q8", "features-q4")

# The variants that no engine for these architectures can support, and why.
REFUSED = {
    "bnb4": "MatMulBnb4",
    "q4-qdq": "blocks that DequantizeLinear decodes",
    "fused-approximate": "GELU by tanh in place of the model's",
    "deeper-head": "a head that isn't the architecture's",
    "albert": "another architecture",
}
