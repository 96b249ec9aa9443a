"""Where a job's parameters come from: its own file, a file of arrays, or a seed."""

import zipfile
from pathlib import Path

import numpy as np

from hw_models.errors import ConfigError
from hw_models.unpacked import check_archive
from workloads.graph import Node, Shape
from workloads.params import NetworkJob
from workloads.values.quantisation import Quantisation, Seeded


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file by name. Raises ConfigError."""
    try:
        check_archive(path)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise ConfigError("no such file; write the path of an .npz file", file=path) from None
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile):
        raise ConfigError(
            "is not an .npz file of plain arrays; write one with numpy.savez", file=path
        ) from None


class FromFile:
    """Arrays of an .npz file by name; what it does not have comes from ``base``.

    `LAYER.weights` (kernels, channels a group, rows, columns) int8, `LAYER.weight_scales` and `LAYER.bias`
    (kernels,), `TENSOR.scale`, and inputs as `TENSOR` (height, width, channels) int8.
    """

    def __init__(self, path: Path, base: Quantisation):
        self.path, self.base, self.arrays = path, base, read_arrays(path)

    def _array(self, name: str, like: np.ndarray) -> np.ndarray:
        """Return the file's array in place of ``like``, of its shape."""
        found = self.arrays.get(name)
        if found is None:
            return like
        if found.shape != like.shape:
            raise ConfigError(f"{found.shape}; its layer needs {like.shape}", file=self.path, key=name)
        return found.astype(like.dtype)

    def scale(self, tensor: str) -> float:
        found = self.arrays.get(f"{tensor}.scale")
        return self.base.scale(tensor) if found is None else float(found)

    def weights(self, node: Node, channels: int) -> np.ndarray:
        return self._array(f"{node.name}.weights", self.base.weights(node, channels))

    def weight_scales(self, node: Node, channels: int) -> np.ndarray:
        return self._array(f"{node.name}.weight_scales", self.base.weight_scales(node, channels))

    def bias(self, node: Node, channels: int) -> np.ndarray:
        return self._array(f"{node.name}.bias", self.base.bias(node, channels))

    def slope(self, node: Node) -> float:
        return self.base.slope(node)

    def input(self, tensor: str, shape: Shape) -> np.ndarray:
        return self._array(tensor, self.base.input(tensor, shape))


def quantisation_of(job: NetworkJob, seed: int, parameters: Path | None) -> Quantisation:
    """Return where a job's numbers come from. Raises ConfigError."""
    base: Quantisation = Seeded(None, seed)
    if isinstance(job.network, str) and job.network.lower().endswith(".onnx"):
        from workloads.values.onnx_quantised import OnnxQuantised, is_quantised

        if is_quantised(Path(job.network)):
            base = OnnxQuantised(Path(job.network), seed)
    return base if parameters is None else FromFile(parameters, base)
