"""From an ideal memory's timings to its state."""

import numpy as np

from hw_models.ideal.state import MEMORY


def build(timings: dict[str, int]) -> np.ndarray:
    """Return an array of one MEMORY record."""
    states = np.zeros(1, MEMORY)
    for name, value in timings.items():
        states[0][name] = value
    states[0]["last_read_beat"] = -1
    return states
