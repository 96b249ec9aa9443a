"""A launch with fewer kernels, and else the same."""

from math import gcd, lcm
from typing import NamedTuple

import numpy as np

from hw_models.nvdla.op import Operand
from workloads.lowering.layout import LINE, WEIGHT_ALIGNMENT, ceil_div
from workloads.lowering.target import Target


class Shortening(NamedTuple):
    """How short a launch may be."""

    target: Target
    stream_bytes: int  # of weights, at least

    def kernels(self, op: np.void, times: int = 1) -> int:
        """Return the fewest kernels with ``times`` the stream's weights; all of a launch with more to it."""
        kernels, stored = int(op["kernels"]), int(op["weight_bytes"])
        special = op["image"] or op["winograd"] or op["batch"] > 1 or op["wmb_bytes"] or op["pool"]
        if special or stored % kernels:
            return kernels
        unit = self._unit(op)
        spare = kernels - ceil_div(times * self.stream_bytes, stored // kernels)
        return kernels - max(spare, 0) // unit * unit

    def _unit(self, op: np.void) -> int:
        """Return the kernels left out together: whole groups, lines of outputs, units of stored weights."""
        stored = int(op["weight_bytes"]) // int(op["kernels"])
        return lcm(self.target.atomic_k, LINE, WEIGHT_ALIGNMENT // gcd(WEIGHT_ALIGNMENT, stored))

    def part(self, op: np.void, kernels: int, place: float) -> np.void:
        """Return a launch of so many of the kernels, ``place`` (0 to 1) of where they may begin."""
        part, all_kernels, unit = op.copy(), int(op["kernels"]), self._unit(op)
        first = int((all_kernels - kernels) // unit * place + 0.5) * unit
        stored, surfaces = int(op["weight_bytes"]) // all_kernels, first // self.target.atom_bytes
        part["kernels"] = part["out_channels"] = kernels
        part["weight_bytes"] = kernels * stored if kernels < all_kernels else op["weight_bytes"]
        part["weights"] += first * stored
        part["dst"] += surfaces * op["dst_surface_stride"]
        part["macs"] = op["macs"] * kernels // all_kernels
        for name in ("x1", "x2", "y"):
            if op[name] == Operand.PER_KERNEL:
                part[f"{name}_address"] += first * op[f"{name}_bytes"]
            elif op[name] == Operand.PER_ELEMENT:
                part[f"{name}_address"] += surfaces * op[f"{name}_surface_stride"]
        return part
