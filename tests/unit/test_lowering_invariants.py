"""Launch by launch: what is lowered is what was read. Random layers on all presets, and every corner by name."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.errors import ConfigError
from hw_models.nvdla.op import Unit
from hw_models.nvdla.presets import PRESETS
from workloads import lower
from workloads.graph import Network, NetworkBuilder, Window, node_macs, node_weights
from workloads.lowering.job import options_of
from workloads.lowering.lower import lower_network
from workloads.lowering.target import target_of
from workloads.networks.builtin import NETWORKS
from workloads.params import NetworkJob
from workloads.program import Program

STRATEGIES = ("nvidia", "traffic")


def job(**fields) -> NetworkJob:
    return NetworkJob.model_validate({"on": "nvdla0", "fallback": "core0"} | fields)


def lowered(network: Network, preset: str, strategy: str) -> Program:
    return lower_network(network, target_of(preset), options_of(job(network="lenet5", strategy=strategy)))


def check(program: Program) -> None:
    """MACs of the launches and of the core sum to the layers'; weights are stored whole, once."""
    launched: Counter[int] = Counter()
    places: dict[int, dict[int, int]] = {}
    for op in program.ops:
        assert op["macs"] >= 0
        launched[int(op["layer"])] += int(op["macs"])
        if op["unit"] == Unit.CONV:
            places.setdefault(int(op["layer"]), {})[int(op["weights"])] = int(op["weight_bytes"])
    total = sum(layer.macs for layer in program.layers)
    assert sum(launched.values()) + program.core_macs == total
    for number, stored in places.items():
        layer = program.layers[number]
        assert launched[number] == layer.macs
        assert sum(stored.values()) == layer.stored_weight_bytes >= layer.weights


@st.composite
def layers(draw):
    """Return a network of one layer with weights and, sometimes, more behind it."""
    kind = draw(st.sampled_from(["conv", "depthwise", "grouped", "deconv", "fc", "batch"]))
    images = draw(st.integers(2, 3)) if kind == "batch" else 1
    channels, kernels = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    builder = NetworkBuilder("random")
    size = draw(st.integers(1, 5))
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    pad = draw(st.integers(0, size // 2))
    reach = (size - 1) * dilation + 1
    groups = {"depthwise": channels, "grouped": 2}.get(kind, 1)
    if kind in ("depthwise", "grouped"):
        kernels = groups * draw(st.integers(1, 8))
        channels = groups * -(-channels // groups)
    height, width = max(height, reach - 2 * pad), max(width, reach - 2 * pad)
    source = builder.input("x", channels, height * images, width)
    window = Window(size, size, stride, stride, pad, pad, pad, pad, dilation, dilation)
    if kind == "fc":
        last = builder.fc("layer", source, kernels)
    elif kind == "deconv":
        window = window._replace(top=0, bottom=0, left=0, right=0)
        last = builder.deconv("layer", source, kernels, window)
    else:
        last = builder.conv("layer", source, kernels, window, groups, images=images)
    if draw(st.booleans()):
        last = builder.same_shape("relu", "activation", last, "relu")
    if kind == "batch" and builder.shape(last).height >= 2 * images and draw(st.booleans()):
        builder.global_pool("pool", last, "average", images=images)
    return builder.finish()


@settings(max_examples=300)
@given(network=layers(), preset=st.sampled_from(sorted(PRESETS)), strategy=st.sampled_from(STRATEGIES))
def test_launches_sum_to_the_layer_they_are_of(network, preset, strategy):
    macs, weights = node_macs(network, network.nodes[0]), node_weights(network, network.nodes[0])
    program = lowered(network, preset, strategy)
    check(program)
    layer = next(layer for layer in program.layers if layer.name == "layer")
    assert (layer.macs, layer.weights) == (macs, weights)


CORNERS = {  # channels, height, width, kernels, kernel size
    "one pixel": (64, 1, 1, 32, 1),
    "one kernel": (64, 8, 8, 1, 3),
    "one channel": (1, 8, 8, 16, 3),
    "fewer kernels than atomic-K": (32, 8, 8, 5, 3),
    "channels that do not fill an atom": (33, 8, 8, 32, 3),
    "kernels that do not fill an atom": (32, 8, 8, 33, 3),
    "a line": (32, 1, 64, 32, 1),
    "a column": (32, 64, 1, 32, 1),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize("corner", CORNERS)
def test_a_corner(corner, preset, strategy):
    channels, height, width, kernels, size = CORNERS[corner]
    builder = NetworkBuilder("corner")
    pad = size // 2
    window = Window(size, size, 1, 1, pad, pad, pad, pad)
    builder.conv("layer", builder.input("x", channels, height, width), kernels, window)
    check(lowered(builder.finish(), preset, strategy))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_fully_connected_layer_of_ten_has_its_own_macs_and_weights(strategy):
    """It needs launches of less than an atom of kernels: no launch computes kernels that are not there."""
    builder = NetworkBuilder("fc10")
    builder.fc("fc", builder.input("x", 1024, 7, 7), 10)
    program = lowered(builder.finish(), "nv_large", strategy)
    check(program)
    launches = program.ops[program.ops["unit"] == Unit.CONV]
    assert launches["macs"].sum() == 501_760
    assert launches["weight_bytes"].sum() == 501_760
    assert launches["kernels"].sum() == 10


@pytest.mark.parametrize("preset", ["nv_small", "nv_large"])
def test_transposed_convolutions_have_the_macs_of_their_own_taps(preset):
    """Kernel 3 at stride 2: sub-pixels have 4 taps each, 16 in all, of which 9 are the layer's."""
    builder = NetworkBuilder("up")
    builder.deconv("up", builder.input("x", 16, 8, 8), 8, Window(3, 3, 2, 2, 1, 1, 1, 1))
    program = lowered(builder.finish(), preset, "traffic")
    assert program.ops["macs"].sum() == 16 * 8 * 8 * 9 * 8


def test_images_of_a_batch_are_launched_one_by_one_with_the_same_weights():
    builder = NetworkBuilder("batch")
    builder.conv("conv", builder.input("x", 32, 4 * 8, 8), 32, Window(3, 3, 1, 1, 1, 1, 1, 1), images=4)
    program = lowered(builder.finish(), "nv_large", "traffic")
    launches = program.ops[program.ops["unit"] == Unit.CONV]
    assert len(launches) == 4
    assert len(set(launches["weights"].tolist())) == 1
    steps = (launches["src"] - launches["src"][0]).tolist()
    assert steps == [image * 8 * 8 * 32 for image in range(4)]
    assert (launches["dst"] - launches["dst"][0]).tolist() == steps


def test_pooling_of_a_batch_keeps_its_images_apart():
    builder = NetworkBuilder("batch")
    builder.global_pool("pool", builder.input("x", 32, 3 * 4, 4), "max", images=3)
    program = lowered(builder.finish(), "nv_large", "traffic")
    pools = program.ops[program.ops["unit"] == Unit.PDP]
    assert pools["height"].tolist() == [4, 4, 4]
    assert pools["pool_out_height"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_built_in_network(name, strategy):
    for preset in ("nv_small", "nv_large", "nv_full"):
        check(lower(job(network=name, strategy=strategy), preset))


def test_a_layout_copy_costs_the_same_by_the_value_on_every_accelerator():
    """A 2x2 transposed convolution to one channel: 12 cycles for each of the 640 x 640 values."""
    for preset in ("nv_small", "nv_large"):
        builder = NetworkBuilder("up")
        builder.deconv("up", builder.input("x", 24, 320, 320), 1, Window(2, 2, 2, 2))
        program = lowered(builder.finish(), preset, "nvidia")
        spread = next(i for i, layer in enumerate(program.layers) if layer.name == "up.spread")
        copies = program.tasks[program.tasks["layer"] == spread]
        assert copies["compute_cycles"].tolist() == [12 * 640 * 640]


def test_strict_refuses_what_lowering_gives_to_a_core():
    layers = [{"pool": {"input": [65, 65, 8], "kernel": "9x9", "function": "average"}}]
    assert lower(job(layers=layers), "nv_large").warnings
    with pytest.raises(ConfigError, match=r"more than nv_large can do; a core does it; strict allows none"):
        lower(job(layers=layers, strict=True), "nv_large")
