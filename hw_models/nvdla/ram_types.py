"""Which surfaces of an operation lie behind the second memory interface: the RAM type of each, by client.

NVDLA's registers have a RAM type for each surface (D_DAIN_RAM_TYPE, D_WEIGHT_RAM_TYPE, D_DST_RAM_TYPE, ... of
the hardware manual); a client has one at a time for what it reads, and one for what it writes.
"""

import numpy as np

from hw_models.nvdla.names import Client
from hw_models.nvdla.op import Unit

SOURCE = {  # unit -> who reads its input
    Unit.CONV: Client.CDMA_DATA,
    Unit.SDP: Client.SDP,
    Unit.PDP: Client.PDP,
    Unit.CDP: Client.CDP,
    Unit.RUBIK: Client.RUBIK,
    Unit.BDMA: Client.BDMA,
}
OPERANDS = {"x1": Client.SDP_B, "x2": Client.SDP_N, "y": Client.SDP_E}


def add_ram_types(ops: np.ndarray, first: int, end: int) -> None:
    """Set the RAM types of ``ops``, (n,) OP, whose surfaces lie from ``first`` to before ``end``."""

    def bit(client: Client, name: str) -> np.ndarray:
        return np.where((ops[name] >= first) & (ops[name] < end), 1 << client, 0)

    reads, writes = np.zeros(len(ops), np.int64), np.zeros(len(ops), np.int64)
    for unit, client in SOURCE.items():
        of_unit = ops["unit"] == unit
        reads |= np.where(of_unit, bit(client, "src"), 0)
        writer = Client.SDP if unit == Unit.CONV else client
        writes |= np.where(of_unit, bit(writer, "dst"), 0)
    pooled = (ops["unit"] != Unit.PDP) & (ops["pool"] == 1)  # PDP writes what a convolution or SDP hands it
    writes = np.where(pooled, bit(Client.PDP, "dst"), writes)
    reads |= np.where(ops["weight_bytes"] > 0, bit(Client.CDMA_WEIGHT, "weights"), 0)
    for name, client in OPERANDS.items():
        reads |= np.where(ops[f"{name}_bytes"] > 0, bit(client, f"{name}_address"), 0)
    ops["read_ram_types"] |= reads
    ops["write_ram_types"] |= writes
