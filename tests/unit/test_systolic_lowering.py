"""Networks on a systolic array: what fits, what is folded, what a core does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.errors import ConfigError
from hw_models.systolic.params import ACCUMULATOR_BYTES, Systolic
from workloads import load_network, lower
from workloads.graph import Window
from workloads.lowering.storage import add_storage
from workloads.params import NetworkJob, NetworkStorage
from workloads.program import On
from workloads.systolic.cut import Convolution, cut_convolution

ARRAY = Systolic.model_validate({"kind": "systolic"})
INPUT = {"input": [8, 8, 16]}


def program(layers, **job):
    return lower(NetworkJob.model_validate({"layers": layers, "on": "a", "fallback": "c"} | job), ARRAY)


def conv(kernels, **fields):
    return {"conv": {"kernels": kernels, "kernel": "3x3", "padding": 1, **fields}}


@given(
    st.integers(1, 600),
    st.integers(1, 100),
    st.integers(1, 100),
    st.integers(1, 600),
    st.integers(1, 3),
    st.integers(1, 2),
)
@settings(max_examples=200)
def test_every_tile_fits_half_of_its_scratchpad(channels, height, width, kernels, kernel, stride):
    window = Window(kernel, kernel, stride, stride, 1, 1, 1, 1)
    shape = Convolution(channels, height, width, kernels, window)
    if min(shape.out) < 1:
        return
    cut = cut_convolution(shape, ARRAY)
    assert cut is not None
    lines = min(height, (cut.tile_lines - 1) * stride + kernel)
    columns = min(width, (cut.tile_columns - 1) * stride + kernel)
    assert lines * columns * cut.tile_channels <= ARRAY.input_bytes // 2
    assert kernel * kernel * cut.tile_channels * cut.tile_kernels <= ARRAY.weight_bytes // 2
    sums = cut.tile_lines * cut.tile_columns * cut.tile_kernels
    assert sums * ACCUMULATOR_BYTES <= ARRAY.accumulator_bytes // 2


@pytest.mark.parametrize("name", ["resnet18", "lenet5", "mobilenet_v1"])
def test_every_multiplication_of_a_network_is_done_once(name):
    job = NetworkJob.model_validate({"network": name, "on": "a", "fallback": "c"})
    network, lowered = load_network(job), lower(job, ARRAY)
    expected = 0
    for node in network.nodes:
        source, out = network.tensors[node.inputs[0]], network.tensors[node.output]
        if node.kind == "conv":
            expected += out.elements * source.channels // node.groups * node.window.height * node.window.width
        elif node.kind == "fc":
            expected += source.elements * node.kernels
    assert lowered.ops["macs"].sum() == expected > 0


def test_scale_and_relu_are_done_on_the_way_out():
    lowered = program([conv(8, activation="relu", **INPUT), conv(4)])
    assert len(lowered.ops) == 2
    functions = {lowered.layers[task["layer"]].name for task in lowered.tasks}
    assert len(lowered.tasks) == 3, functions  # input: quantise, interleave; output: dequantise


def test_what_the_array_cannot_do_goes_to_the_core():
    lowered = program([conv(16, name="a", **INPUT), conv(16, name="b"), {"add": {"from": ["a", "b"]}}])
    on = lowered.steps["on"].tolist()
    assert on.count(On.ACCELERATOR) == 2
    assert On.CORE in on[on.index(On.ACCELERATOR) :]


def test_a_group_is_an_operation_of_its_own():
    lowered = program([conv(16, groups=4, **INPUT)])
    assert lowered.ops["channels"].tolist() == [4] * 4
    assert np.diff(lowered.ops["src"]).tolist() == np.diff(lowered.ops["dst"]).tolist() == [4, 4, 4]
    assert set(lowered.ops["src_pixel_stride"].tolist()) == {16}


def test_tensors_do_not_overlap_while_both_are_needed():
    lowered = program([conv(16, **INPUT)], planner="separate")
    op = lowered.ops[0]
    ends = sorted((int(op[f]), int(op[f]) + 8 * 8 * 16) for f in ("src", "dst"))
    assert ends[0][1] <= ends[1][0]
    assert op["weights"] + op["weight_bytes"] <= ends[0][0]


def test_without_a_core_what_the_array_cannot_do_is_refused():
    with pytest.raises(ConfigError, match="needs a core; add `fallback: CORE` with the name of one"):
        program([conv(16, **INPUT), {"pool": {"kernel": "2x2"}}], fallback=None)


def test_a_loadable_is_refused():
    job = NetworkJob.model_validate({"network": {"loadable": "x.csv"}, "on": "a"})
    with pytest.raises(ConfigError, match="has operations of an NVDLA; write a network"):
        lower(job, ARRAY)


def test_weights_on_flash_are_fetched_before_the_operation_that_needs_them():
    lowered = program([conv(16, **INPUT), conv(8)])
    add_storage(lowered, NetworkStorage(weights="flash"), 0, 0)
    assert [int(batch.transfers["dram_address"][0]) for batch in lowered.batches] == lowered.ops[
        "weights"
    ].tolist()
    assert [int(batch.transfers["bytes"].sum()) for batch in lowered.batches] == lowered.ops[
        "weight_bytes"
    ].tolist()
