"""What the paper's models do to their FFNs: sparsity, predictors. Data only.

Sources
  [P]  arXiv 2312.11514 v3, text and tables
  [C]  calibrated, once per model, against the figure named; docs/llm.md has the ranges
  [A]  assumed
"""

from typing import Any

ACTIVITY: dict[str, dict[str, Any]] = {
    "opt-6.7b": {
        # layers 1, 16, 32 and their mean 3.30 % [P table 6]
        "active": [0.0156, 0.0213, 0.0270, 0.0487, 0.0536],
        "false_negative": 0.05,  # [P]
        "false_positive": 0.074,  # about 7 % [P]; about 3 times over-predicted [P]
        "context_rate": 0.31,  # [C: 24 % of the FFN in a window of 4]
        "persistence": 0.15,  # [C: 2.4 % new per token]
        "context_tokens": 1000,  # [A]
    },
    "falcon-7b": {
        "active": [0.05],  # 95 % sparse [P]
        "false_negative": 0.05,  # as OPT [A]
        "false_positive": 0.0975,  # 3 times over-predicted [A: as OPT]
        "context_rate": 0.32,  # [C: 33 % of the FFN in a window of 4]
        "persistence": 0.10,  # [C: 3.1 % new per token]
        "context_tokens": 1000,  # [A]
    },
    "persimmon-8b": {
        "active": [0.033],  # [A]; 3 times over-predicted [P]
        "false_negative": 0.05,  # [A]
        "false_positive": 0.0725,  # [C: predicted share]
        "context_rate": 0.16,  # [C: io_ms of its All row; the paper gives no share for this model]
        "persistence": 0.05,  # [C: window of 4 that shrinks at 25 % of the FFN]
        "context_tokens": 1000,  # [A]
    },
    "phi-2": {
        "active": [0.095],  # [A]; 2 times over-predicted [P]
        "false_negative": 0.05,  # [A]
        "false_positive": 0.117,  # [C: predicted share]
        "context_rate": 0.30,  # [C: io_ms of its All row]
        "persistence": 0.10,  # [C: as above]
        "context_tokens": 1000,  # [A]
    },
    "llama-2-7b": {
        "active": [0.10],  # 90 % sparse with FATReLU [P]
        "false_negative": 0.05,  # [A]
        "false_positive": 0.06,  # [A]
        "context_rate": 0.215,  # [C: io_ms of its All row]
        "persistence": 0.14,  # [C: 55 % of the model in DRAM with a window of 2]
        "context_tokens": 1000,  # [A]
    },
    "llama-3.2-3b": {  # not in the paper: the figures of its elder relative [A]
        "active": [0.10],
        "false_negative": 0.05,
        "false_positive": 0.06,
        "context_rate": 0.215,
        "persistence": 0.14,
        "context_tokens": 1000,
    },
}

# Rank of the low-rank predictor, for equal groups of layers from the first on; 0: none, layer is dense [P]
PREDICTOR_RANKS: dict[str, list[int]] = {
    "opt-6.7b": [128] * 7 + [1024],
    "falcon-7b": [256] * 7 + [1152],
    "persimmon-8b": [256] * 8 + [1152],
    "phi-2": [160, 160, 480, 800, 800, 480, 160, 0],
    "llama-2-7b": [256, 256, 256, 1024, 256, 256, 256, 256],  # 1024 in 4 layers of the middle
    "llama-3.2-3b": [256] * 7,  # [A]
}
