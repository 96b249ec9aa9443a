"""From the engine's parameters to its state."""

import numpy as np

from hw_models.mac_engine.params import MacEngine
from hw_models.mac_engine.state import MAC_ENGINE


def build(params: MacEngine, master: int = 0) -> np.ndarray:
    """Return an idle engine, shape (1,) MAC_ENGINE."""
    states = np.zeros(1, MAC_ENGINE)
    states[0]["master"], states[0]["place_limit"] = master, params.places
    return states
