"""ONNX files of a few nodes, written by the tests that read them."""

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hw_models.errors import ConfigError
from workloads.graph import Network, network_weights, node_macs
from workloads.importers.onnx_file import read_onnx

node = helper.make_node


def value(name: str, shape: Any, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, content: Any, kind: int | None = None) -> onnx.TensorProto:
    """Return an initializer; a tuple is the shape of a large one, a list its values."""
    if isinstance(content, tuple):
        return helper.make_tensor(name, kind or TensorProto.FLOAT, content, [0] * prod(content))
    array = np.array(content)
    found = array.astype(np.int64) if array.dtype.kind == "i" else array.astype(np.float32)
    tensor = onnx.numpy_helper.from_array(found, name)
    if kind is not None:
        tensor = helper.make_tensor(name, kind, list(array.shape), array.flatten().tolist())
    return tensor


def file(
    folder: Path,
    nodes: list,
    inputs: dict[str, Any],
    constants: dict[str, Any],
    outputs: tuple[str, ...] = ("y",),
    opset: int = 17,
    domains: tuple[str, ...] = (),
) -> Path:
    graph = helper.make_graph(
        nodes,
        "test",
        [value(name, shape) for name, shape in inputs.items()],
        [value(name, None) for name in outputs],
        [constant(name, content) for name, content in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets), str(path))
    return path


def counts(network: Network) -> tuple[int, int]:
    return sum(node_macs(network, n) for n in network.nodes), network_weights(network)


def read(*arguments: Any, sizes: Any = None, **options: Any) -> Network:
    return read_onnx(file(*arguments, **options), sizes)


def refused(path: Path, sizes: Any = None) -> str:
    """Return the message without the file's name."""
    with pytest.raises(ConfigError) as error:
        read_onnx(path, sizes)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{path}: ")
