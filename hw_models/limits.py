"""Limits that configs and kernels share.

Every block has tables of who made whom wait, masters by masters. Few systems have many, so a process has
kernels for `NARROW` masters or for `WIDE`: the same results, from records several times as large.
`hw_models.width` decides when the first kernel is imported.
"""

import os
import sys

NARROW, WIDE = 16, 64  # most masters of a system, and most ports above an interconnect
NARROW_WIRES, WIDE_WIRES = 256, 512  # most FIFOs of a system
VARIABLE = "DLASIM_MASTERS"  # of the environment: NARROW or WIDE, whatever configs need


def make_room() -> None:
    """Let this process, and those that it starts, have kernels for many masters, if that is still open."""
    if "hw_models.width" not in sys.modules:
        os.environ.setdefault(VARIABLE, str(WIDE))
