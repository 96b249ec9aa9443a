"""From a replay's parameters to its state."""

import numpy as np

from hw_models.replay.params import Replay
from hw_models.replay.state import REPLAY, SLOTS


def build(params: Replay, master: int = 0) -> np.ndarray:
    """Return an idle master, shape (1,) REPLAY."""
    states = np.zeros(1, REPLAY)
    states[0]["master"] = master
    states[0]["free"], states[0]["free_count"] = np.arange(SLOTS), SLOTS
    return states
