"""The files that are committed in test_data/onnx: small ones, of every kind that the tests read."""

SELECTION = {
    "mini-bert": [
        "optimum", "traced-unfolded", "dynamo-unoptimized", "fp16",
        "q8", "q8-convert", "q8-asymmetric", "q8-per-channel-asymmetric", "q8-dynamo", "uint8",
        "fused-fp16", "session", "session-q8", "external", "external-each",
        "features", "numbered", "numbered-q8", "constants", "inputs", "typed-q8", "weights-first-q8",
        "deeper-head", "albert",
    ],
    "mini-distilbert": [
        "optimum", "q8", "q4", "q4-asymmetric", "q4f16", "q4-q8-embeddings", "q4-gather", "fused-q4",
    ],
    "mini-bert-tanh": ["optimum", "traced-20", "fused-slim"],
    "mini-roberta": ["optimum", "dynamo", "fused-attention", "fused-multi-head", "fused-q8"],
    "mini-xlm-roberta": ["optimum", "q8-convert"],
    "mini-camembert": ["optimum", "uint8"],
    "mini-electra": ["traced-slim", "dynamo-20", "q8", "q4-asymmetric", "bnb4", "features-q8"],
    "mini-mpnet": ["optimum", "dynamo", "q8", "q4"],
    "mini-data2vec-text": ["optimum", "q8"],
}

# Files with everything that their tools wrote. The others lack what only tools read, up to half of a file.
WHOLE = {("mini-bert", "q8")}
