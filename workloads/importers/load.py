"""From the words of a config to a graph: a name, a file, or layers written inline."""

from pathlib import Path
from typing import Any

from hw_models.errors import ConfigError
from workloads.graph import Network
from workloads.importers.caffe import read_caffe
from workloads.importers.darknet import read_darknet
from workloads.importers.inline import read_inline
from workloads.llm.graph import transformer_network
from workloads.llm.model import load_model
from workloads.lowering.once import network_key, network_once
from workloads.networks.builtin import NETWORKS
from workloads.params import NetworkJob


def load_network(job: NetworkJob) -> Network:
    """Return the graph of a job, the caller's to change. Raises ConfigError."""
    return network_once(network_key(job), lambda: _read(job))


def _read(job: NetworkJob) -> Network:
    if job.layers is not None:
        return read_inline(job.layers)
    name = job.network
    assert isinstance(name, str)
    suffix = Path(name).suffix.lower()
    if suffix == ".onnx":
        from workloads.importers.onnx_file import read_onnx

        network = read_onnx(Path(name), job.input)
    else:
        network = _by_size(name, suffix, job.input, job.context)
    if job.strict and network.warnings:
        raise ConfigError(f"{network.warnings[0]}; strict allows none", key="strict")
    return network


def _by_size(name: str, suffix: str, size: Any, context: int | None) -> Network:
    """Return a network whose one input has a width and a height."""
    if isinstance(size, dict):
        message = "names inputs, which only ONNX files have; write WIDTHxHEIGHT"
        raise ConfigError(message, key="input")
    if context is not None and (suffix in (".cfg", ".prototxt") or name in NETWORKS):
        raise ConfigError(f"{name} is no language model; only those look back", key="context")
    if suffix == ".cfg":
        return read_darknet(Path(name), size)
    if suffix == ".prototxt":
        return read_caffe(Path(name), size)
    if name not in NETWORKS:
        return _transformer(name, size, context)
    try:
        return NETWORKS[name](size)
    except ValueError as error:
        raise ConfigError(f"{error}; use a larger input", key="input") from None


def _transformer(name: str, tokens: tuple[int, int] | None, context: int | None) -> Network:
    """Return one pass of a language model; ``tokens``: the width of `input`, 16 unless given."""
    try:
        return transformer_network(load_model(name, key="network"), tokens[0] if tokens else 16, context)
    except ValueError as error:
        raise ConfigError(f"{error}; write input: TOKENSx1", key="input") from None
