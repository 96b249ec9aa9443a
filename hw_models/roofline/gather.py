"""Rows of the host's memory on their way to a graphics card: in packets over PCIe, alone or collected first.

A load of 32 threads asks for at most 128 bytes together. What it touches of a line of 128 bytes is one
request, in whole sectors of 32 bytes, and one packet that brings them: a load that crosses a border is two.
A copy moves 256 bytes a packet. Cores that collect rows read them and write them to a buffer, which the copy
reads: three passes over the host's memory (arXiv 2103.03330, sections 3 and 4).
"""

import numpy as np

from hw_models.roofline.params import Roofline
from hw_models.units import FS_PER_S

LINE_BYTES, SECTOR_BYTES = 128, 32  # of a card's loads
COPY_BYTES = 256  # of a packet of a copy: the usual largest payload


def gather_fs(machine: Roofline, how: str, addresses: np.ndarray, row_bytes: int) -> int:
    """Return femtoseconds for rows at ``addresses``; ``how``: staged, zero_copy, zero_copy_shifted."""
    size = addresses.size * row_bytes
    overhead, host = machine.packet_overhead_bytes, machine.host_bandwidth_bytes_per_s
    if how == "staged":
        moved = size + -(-size // COPY_BYTES) * overhead
        passes = 0 if host is None else -(-2 * size * FS_PER_S // host)  # the copy's own is beside the link's
        return passes + max(_link_fs(machine, moved), 0 if host is None else -(-size * FS_PER_S // host))
    sectors, packets = zero_copy(addresses, row_bytes, shifted=how == "zero_copy_shifted")
    return _link_fs(machine, sectors * SECTOR_BYTES + packets * overhead)


def zero_copy(addresses: np.ndarray, row_bytes: int, *, shifted: bool) -> tuple[int, int]:
    """Return the sectors and the packets that bring rows at ``addresses`` by loads of 32 threads."""
    if shifted:
        starts, ends = addresses, addresses + row_bytes
    else:
        offsets = np.arange(0, row_bytes, LINE_BYTES)
        starts = (addresses[:, None] + offsets).reshape(-1)
        ends = (addresses[:, None] + np.minimum(offsets + LINE_BYTES, row_bytes)).reshape(-1)
    return _touched(starts, ends, SECTOR_BYTES), _touched(starts, ends, LINE_BYTES)


def _touched(starts: np.ndarray, ends: np.ndarray, unit: int) -> int:
    """Return how many units of memory the ranges touch, each range by itself."""
    return int(((ends - 1) // unit - starts // unit + 1).sum())


def _link_fs(machine: Roofline, size: int) -> int:
    return -(-size * FS_PER_S // machine.link_bytes_per_s)
