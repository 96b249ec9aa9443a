"""Scales and parameters of a network in INT8: a tensor's value is its number times its scale.

`Seeded` makes parameters up: every scale is 1, weights are random, and the scale of a layer's weights is such
that outputs spread about as far as inputs.
"""

import zlib
from typing import Protocol

import numpy as np

from workloads.graph import Network, Node, Shape

SPREAD = 32.0  # standard deviation of a seeded tensor
WEIGHT_SPREAD = 24.0


class Quantisation(Protocol):
    """Where the numbers of a network come from. Weights: (kernels, channels a group, rows, columns) int8."""

    def scale(self, tensor: str) -> float: ...

    def weights(self, node: Node, channels: int) -> np.ndarray: ...

    def weight_scales(self, node: Node, channels: int) -> np.ndarray:
        """Return the scale of each kernel's weights, shape (kernels,)."""
        ...

    def bias(self, node: Node, channels: int) -> np.ndarray:
        """Return the bias of each kernel, real numbers, shape (kernels,)."""
        ...

    def slope(self, node: Node) -> float: ...

    def input(self, tensor: str, shape: Shape) -> np.ndarray:
        """Return an input of the network, shape (height, width, channels) int8."""
        ...


class Seeded:
    """Random parameters, the same for the same seed and names."""

    def __init__(self, network: Network | None, seed: int):
        self.network, self.seed = network, seed

    def _random(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def scale(self, tensor: str) -> float:
        return 1.0

    def _shape(self, node: Node, channels: int) -> tuple[int, int, int, int]:
        return node.kernels, channels // node.groups, node.window.height, node.window.width

    def weights(self, node: Node, channels: int) -> np.ndarray:
        random = self._random(f"{node.name}.weights").normal(0, WEIGHT_SPREAD, self._shape(node, channels))
        return np.clip(np.rint(random), -127, 127).astype(np.int8)

    def weight_scales(self, node: Node, channels: int) -> np.ndarray:
        fan_in = int(np.prod(self._shape(node, channels)[1:]))
        return np.full(node.kernels, 1.0 / (WEIGHT_SPREAD * np.sqrt(fan_in)))

    def bias(self, node: Node, channels: int) -> np.ndarray:
        return self._random(f"{node.name}.bias").normal(0, SPREAD / 4, node.kernels)

    def slope(self, node: Node) -> float:
        return 0.1

    def input(self, tensor: str, shape: Shape) -> np.ndarray:
        size = shape.height, shape.width, shape.channels
        random = self._random(f"{tensor}.input").normal(0, SPREAD, size)
        return np.clip(np.rint(random), -128, 127).astype(np.int8)
