"""Where a job's parameters come from: its own file, a file of arrays, or a seed."""

from pathlib import Path

import numpy as np

from hw_models.errors import ConfigError
from workloads.graph import Node, Shape
from workloads.params import NetworkJob
from workloads.values.quantisation import Quantisation, Seeded


class FromFile(Seeded):
    """Arrays of an .npz file by name; what it does not have is seeded.

    `LAYER.weights` (kernels, channels a group, rows, columns) int8, `LAYER.weight_scales` and `LAYER.bias`
    (kernels,), `TENSOR.scale`, and inputs as `TENSOR` (height, width, channels) int8.
    """

    def __init__(self, path: Path, seed: int):
        super().__init__(None, seed)
        self.path = path
        try:
            with np.load(path, allow_pickle=False) as file:
                self.arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, AttributeError) as error:
            raise ConfigError(f"cannot be read as .npz: {error}", file=path) from None

    def _array(self, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        found = self.arrays.get(name)
        if found is not None and found.shape != shape:
            raise ConfigError(f"{found.shape}; its layer needs {shape}", file=self.path, key=name)
        return found

    def scale(self, tensor: str) -> float:
        found = self.arrays.get(f"{tensor}.scale")
        return super().scale(tensor) if found is None else float(found)

    def weights(self, node: Node, channels: int) -> np.ndarray:
        found = self._array(f"{node.name}.weights", self._shape(node, channels))
        return super().weights(node, channels) if found is None else found.astype(np.int8)

    def weight_scales(self, node: Node, channels: int) -> np.ndarray:
        found = self._array(f"{node.name}.weight_scales", (node.kernels,))
        return super().weight_scales(node, channels) if found is None else found.astype(float)

    def bias(self, node: Node, channels: int) -> np.ndarray:
        found = self._array(f"{node.name}.bias", (node.kernels,))
        return super().bias(node, channels) if found is None else found.astype(float)

    def input(self, tensor: str, shape: Shape) -> np.ndarray:
        found = self._array(tensor, (shape.height, shape.width, shape.channels))
        return super().input(tensor, shape) if found is None else found.astype(np.int8)


def quantisation_of(job: NetworkJob, seed: int, parameters: Path | None) -> Quantisation:
    """Return where a job's numbers come from. Raises ConfigError."""
    if parameters is not None:
        return FromFile(parameters, seed)
    return Seeded(None, seed)
