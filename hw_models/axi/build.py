"""From a config's outside master to its row."""

import numpy as np

from hw_models.axi.names import Bus
from hw_models.axi.params import External
from hw_models.axi.state import AGENT, Pin
from hw_models.port import NEVER


def build_agent(params: External, master: int, base: int, beyond: int) -> np.ndarray:
    """Return an idle port, shape (1,) AGENT, of master number ``master``.

    ``base``: where the first 4 GiB of its addresses lie in the system; ``beyond``: added to those after.
    """
    state = np.zeros(1, AGENT)
    row = state[0]
    row["master"], row["ids"], row["limit"] = master, params.ids, params.outstanding
    row["width"] = params.port_bytes
    row["fixed_size"] = params.port_bytes.bit_length() - 1 if params.bus == Bus.AXI4_LITE else -1
    row["base"], row["beyond"] = base, beyond
    for side in ("read", "write"):
        row[side]["offered"] = row[side]["since"] = -1
        row[side]["bursts"]["ready_cycle"] = NEVER
        row[side]["bursts"]["next"] = -1
    row["busy"], row["news"], row["data_since"] = 1, 1, -1
    row["pin"][Pin.WID] = -1
    return state
