"""From a systolic array's parameters to its state."""

import numpy as np

from hw_models.systolic.params import Systolic
from hw_models.systolic.state import SYSTOLIC


def build(params: Systolic, master: int = 0) -> np.ndarray:
    """Return an idle array, shape (1,) SYSTOLIC."""
    states = np.zeros(1, SYSTOLIC)
    state = states[0]
    state["master"] = master
    for name in ("rows", "columns", "port_bytes", "burst_bytes", "outstanding_reads", "outstanding_writes"):
        state[name] = getattr(params, name)
    return states
