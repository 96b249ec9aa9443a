"""Exact counts of one seed: they change only when the model does."""

import numpy as np

from workloads.llm.activity import Activity
from workloads.llm.activity_kernel import GenerativeTrace
from workloads.llm.presets import ACTIVITY
from workloads.llm.window import ResidentRows

GOLDEN = [  # per token, last layer: truly active, flagged, new, resident rows
    (242, 521, 521, 521),
    (221, 478, 245, 766),
    (193, 471, 211, 977),
    (224, 481, 150, 1127),
    (208, 471, 103, 1120),
    (204, 478, 114, 1123),
]
MOVED = [185, 184, 221]  # rows copied by deletions, per layer


def test_first_tokens_of_opt_in_three_layers():
    trace = GenerativeTrace(Activity.model_validate(ACTIVITY["opt-6.7b"]), 3, 4096, seed=1)
    rows = ResidentRows(np.full(3, 1200), 4096, 4)
    counts = []
    for token in range(6):
        for layer in range(3):
            flagged, active = trace.step(layer)
            fresh = rows.load(layer, [flagged], token, token)
            rows.accept(layer, flagged, token)
        counts.append((active, flagged.size, fresh.size, int(rows.manager[2]["num_used"])))
    assert counts == GOLDEN
    assert rows.manager["moved"].tolist() == MOVED
