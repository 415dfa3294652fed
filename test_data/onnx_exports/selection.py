"""The files that are committed, in test_data/onnx: small ones, of every kind that the tests read."""

SELECTION = {
    "mini-bert": [
        "optimum", "traced-11", "traced-unfolded", "dynamo-unoptimized", "fp16",
        "q8", "q8-convert", "q8-asymmetric", "q8-per-channel-asymmetric", "q8-dynamo", "uint8",
        "fused-fp16", "session", "session-q8", "external", "external-each",
        "constants", "inputs", "typed-q8", "weights-first-q8", "deeper-head", "albert",
    ],
    "mini-distilbert": ["optimum", "q8", "q4", "q4-asymmetric", "q4f16", "q4-q8-embeddings", "q4-gather", "fused-q4"],
    "mini-bert-tanh": ["optimum", "traced-20", "fused-slim"],
    "mini-roberta": ["optimum", "dynamo", "fused-attention", "fused-multi-head", "fused-q8"],
    "mini-xlm-roberta": ["optimum", "q8-convert"],
    "mini-camembert": ["optimum", "uint8"],
    "mini-electra": ["traced-slim", "dynamo-20", "q8", "q4-asymmetric", "bnb4"],
    "mini-mpnet": ["optimum", "dynamo", "q8", "q4"],
    "mini-data2vec-text": ["optimum", "q8"],
}

# Files with all that their tools wrote; the others are without what only tools read, which is half of some.
WHOLE = {("mini-bert", "q8")}
