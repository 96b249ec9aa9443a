"""A small transformer and the machine that it runs on."""

import numpy as np

TINY = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "vocab_size": 1000,
    "tie_word_embeddings": False,
}
ACTIVITY = {"active": [0.05, 0.1], "context_rate": 0.4, "persistence": 0.1}
BACKEND = {"preset": "m1_max_cpu"}
FLASH = {"preset": "m1_max_ssd"}
SYSTEM = {"backends": {"cpu0": BACKEND}, "flash": FLASH}


def whole(tasks):
    """Return which tasks are no runs of another."""
    runs = np.zeros(len(tasks) + 1, np.int64)
    at = np.flatnonzero(tasks["runs"])
    np.add.at(runs, at + 1, 1)
    np.add.at(runs, at + 1 + tasks["runs"][at], -1)
    return np.cumsum(runs)[:-1] == 0
