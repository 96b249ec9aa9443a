"""Whole programs: MACs conserved, bytes where they belong, dependencies that keep every reader right."""

import glob
import os

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowering_helpers import launches, op_writes, producers, step_bytes

from hw_models.nvdla.op import Operand, Unit
from hw_models.nvdla.presets import PRESETS
from workloads import load_network, lower
from workloads.graph import node_macs
from workloads.lowering.target import target_of
from workloads.networks.builtin import NETWORKS
from workloads.params import NetworkJob
from workloads.program import On
from workloads.traffic import op_traffic

ONNX_FOLDER = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "light")
ONNX_FILES = sorted(glob.glob(os.path.join(ONNX_FOLDER, "*.onnx")))
SMALL = {
    "lenet5": "28x28",
    "yolov3-tiny": "96x96",
    "resnet18": "64x64",
    "mobilenet_v1": "64x64",
    "alexnet": "99x99",
}


def job(network: str, **fields) -> NetworkJob:
    return NetworkJob.model_validate({"network": network, "on": "nvdla0", "fallback": "core0"} | fields)


def check(program, network, target):
    """What must hold for every program."""
    ops, steps = program.ops, program.steps
    assert sorted(steps["index"][steps["on"] == On.ACCELERATOR]) == list(range(len(ops)))
    assert sorted(steps["index"][steps["on"] == On.CORE]) == list(range(len(program.tasks)))
    for number, step in enumerate(steps):
        needed = program.deps[step["first_dep"] : step["first_dep"] + step["dep_count"]]
        assert (needed < number).all()
    macs = {node.name: node_macs(network, node) for node in network.nodes}
    found = dict.fromkeys(macs, 0)
    for op in ops[ops["unit"] == Unit.CONV]:
        found[program.layers[op["layer"]].name] += int(op["macs"])
    assert found == macs
    convolutions = launches(program, Unit.CONV)
    assert (convolutions["data_banks"] + convolutions["weight_banks"] <= target.cbuf_banks).all()
    plan = program.memory
    assert plan.activation_bytes >= plan.activation_lower_bound_bytes
    for field in ("src", "dst", "weights", "x1_address", "x2_address", "y_address"):
        assert (ops[field] < plan.span_bytes).all()
    assert (ops["dst"] % target.atom_bytes == 0).all()
    assert (ops["src"] % target.atom_bytes == 0).all()


@pytest.mark.parametrize("strategy", ["nvidia", "traffic"])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_built_in_network_lowers(name, preset, strategy):
    work = job(name, strategy=strategy)
    check(lower(work, preset), load_network(work), target_of(preset))


@pytest.mark.parametrize("strategy", ["nvidia", "traffic"])
@pytest.mark.parametrize("path", ONNX_FILES, ids=os.path.basename)
def test_every_network_of_the_onnx_wheel_lowers(path, strategy):
    work = job(path, strategy=strategy)
    program = lower(work, "nv_large")
    check(program, load_network(work), target_of("nv_large"))
    assert program.warnings == []


def test_the_onnx_wheel_has_the_networks_that_we_say():
    names = " ".join(os.path.basename(path) for path in ONNX_FILES)
    for name in (
        "resnet50",
        "densenet121",
        "inception_v1",
        "inception_v2",
        "shufflenet",
        "squeezenet",
        "vgg19",
    ):
        assert name in names


@pytest.mark.parametrize(
    ("name", "giga_macs"),
    [("yolov3", 32.93), ("resnet18", 1.81), ("resnet50", 4.09), ("mobilenet_v1", 0.57), ("vgg16", 15.47)],
)
def test_macs_are_the_published_ones(name, giga_macs):
    network = load_network(job(name))
    total = sum(node_macs(network, node) for node in network.nodes)
    assert round(total / 1e9, 2) == giga_macs


@pytest.mark.parametrize("planner", ["greedy_by_size", "greedy_by_breadth", "first_fit"])
@pytest.mark.parametrize("strategy", ["nvidia", "traffic"])
@pytest.mark.parametrize("preset", ["nv_small", "nv_large"])
@pytest.mark.parametrize("name", SMALL)
def test_sharing_memory_changes_no_readers_source(name, preset, strategy, planner):
    """Run the steps on a memory that remembers who wrote: as with a place of its own for every buffer."""
    fields = {"input": SMALL[name], "strategy": strategy, "planner": planner}
    shared = producers(lower(job(name, **fields), preset), target_of(preset))
    alone = producers(lower(job(name, **(fields | {"planner": "separate"})), preset), target_of(preset))
    assert shared == alone


@pytest.mark.parametrize("strategy", ["nvidia", "traffic"])
@pytest.mark.parametrize("name", SMALL)
def test_everything_read_was_written(name, strategy):
    """Only the image comes from outside, except for the padding at the end of a plane."""
    program = lower(job(name, input=SMALL[name], strategy=strategy), "nv_large")
    target = target_of("nv_large")
    unwritten = [number for number, found in enumerate(producers(program, target)) if found == {-1}]
    assert unwritten == [0]


@pytest.mark.parametrize("preset", ["nv_small", "nv_large"])
@pytest.mark.parametrize("name", ["lenet5", "yolov3-tiny", "resnet18"])
def test_data_dependencies_order_every_conflict(name, preset):
    """Two steps that touch the same bytes, one of them writing, are ordered by a chain of dependencies."""
    fields = {"input": SMALL[name], "strategy": "traffic", "dependencies": "data"}
    program, target = lower(job(name, **fields), preset), target_of(preset)
    size = program.memory.span_bytes // target.atom_bytes + 2
    touched = []
    behind: list[int] = []
    for number, step in enumerate(program.steps):
        read, written = np.zeros(size, bool), np.zeros(size, bool)
        reads, writes = step_bytes(program, step, target)
        read[reads], written[writes] = True, True
        chain = 1 << number
        for needed in program.deps[step["first_dep"] : step["first_dep"] + step["dep_count"]]:
            chain |= behind[needed]
        behind.append(chain)
        for earlier, (before_read, before_written) in enumerate(touched):
            conflict = (written & (before_read | before_written)).any() or (read & before_written).any()
            assert not conflict or chain >> earlier & 1, (earlier, number)
        touched.append((read, written))


@pytest.mark.parametrize("strategy", ["nvidia", "traffic"])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 3)])
def test_a_line_too_wide_for_cbuf_is_cut_in_strips(kernel, stride, strategy):
    """The output is written exactly once, and every launch reads what its own output rows and columns see."""
    conv = {"kernels": 48, "kernel": kernel, "stride": stride, "padding": kernel // 2}
    layers = [{"conv": {"input": [700, 9, 128], **conv}}]
    work = NetworkJob.model_validate({"on": "nvdla0", "strategy": strategy, "layers": layers})
    program, target = lower(work, "nv_small"), target_of("nv_small")
    check(program, load_network(work), target)
    written = np.concatenate([op_writes(op, target) for op in program.ops])
    shape = load_network(work).tensors["conv_0"]
    first = min(program.ops["dst"])
    assert len(set(program.ops["width"])) > 1
    assert sorted(written) == list(range(first, first + shape.width * shape.height * 48, 8))
    source, line = min(program.ops["src"]), 700 * 8
    for op in program.ops:
        column = (op["dst"] - first) % (shape.width * 8) // 8
        need = column * stride - kernel // 2
        assert (op["src"] - source) % line // 8 == max(0, need)
        assert op["width"] + op["pad_left"] + op["pad_right"] == (op["out_width"] - 1) * stride + kernel


def test_serial_schedule_never_overlaps_two_steps():
    program = lower(job("lenet5"), "nv_small")
    for number, step in enumerate(program.steps):
        needed = program.deps[step["first_dep"] : step["first_dep"] + step["dep_count"]]
        assert list(needed) == ([number - 1] if number else [])


def test_residual_add_rides_on_the_later_convolution():
    program = lower(job("resnet18", strategy="traffic", input="64x64"), "nv_large")
    operands = launches(program, Unit.CONV)["x2"] == Operand.PER_ELEMENT
    assert operands.sum() == 8
    assert len(launches(program, Unit.SDP)) == 0


def test_leaky_residual_uses_the_y_unit_where_there_is_one():
    large = lower(job("yolov3", strategy="traffic"), "nv_large")
    small = lower(job("yolov3", strategy="traffic"), "nv_small")
    adds = launches(large, Unit.CONV)["y"] == Operand.PER_ELEMENT
    assert len({int(layer) for layer in launches(large, Unit.CONV)["layer"][adds]}) == 23
    assert len(launches(large, Unit.SDP)) == 0
    assert len(launches(small, Unit.SDP)) == 23  # nv_small has no Y unit


def test_pooling_on_the_fly():
    program = lower(job("lenet5", strategy="traffic"), "nv_small")
    pooled = launches(program, Unit.CONV)["pool"]
    assert list(pooled) == [1, 1, 0, 0, 0]
    assert list(launches(program, Unit.CONV)["pool_out_width"][:2]) == [14, 5]


@pytest.mark.parametrize(("kernel", "launches_of_pdp"), [(2, 0), (3, 1)])
def test_pooling_rides_on_a_cut_convolution_only_if_windows_do_not_overlap(kernel, launches_of_pdp):
    layers = [
        {"conv": {"input": [224, 224, 64], "kernels": 64, "kernel": 3, "padding": 1}},
        {"pool": {"kernel": kernel, "stride": 2}},
    ]
    work = NetworkJob.model_validate({"on": "nvdla0", "strategy": "traffic", "layers": layers})
    program = lower(work, "nv_large")
    convolutions = launches(program, Unit.CONV)
    assert len(launches(program, Unit.PDP)) == launches_of_pdp
    assert len(convolutions) > 1
    if launches_of_pdp == 0:
        assert (convolutions["out_height"] % 2 == 0).all()
        assert sum(convolutions["pool_out_height"]) == 112
        rows = (convolutions["dst"] - convolutions["dst"][0]) // convolutions["dst_line_stride"]
        assert list(rows) == [0, *np.cumsum(convolutions["pool_out_height"])[:-1]]


@pytest.mark.parametrize(
    ("size", "windows"), [(13, (7, 2)), (14, (7, 2)), (8, (8,)), (64, (8, 8)), (57, (8, 8))]
)
def test_a_large_global_pool_is_taken_in_two(size, windows):
    layers = [{"pool": {"input": [size, size, 24], "function": "average"}}]
    program = lower(NetworkJob.model_validate({"on": "nvdla0", "layers": layers}), "nv_small")
    assert tuple(program.ops["pool_width"]) == windows
    reach = program.ops["pool_width"][0] * program.ops["out_width"][0]
    assert reach == size + program.ops["pool_pad_right"][0] >= size
    assert program.ops["out_width"][-1] == 1


@pytest.mark.parametrize(("size", "windows"), [(9, [7, 3]), (13, [7, 7]), (15, [7, 7, 3]), (5, [5])])
def test_a_large_maximum_at_stride_one_is_a_chain(size, windows):
    """Spatial pyramid pooling. The twin: lines that the last output line sees, through all windows."""
    layers = [{"pool": {"input": [20, 20, 24], "kernel": size, "stride": 1, "padding": size // 2}}]
    program = lower(NetworkJob.model_validate({"on": "nvdla0", "layers": layers}), "nv_small")
    assert list(program.ops["pool_width"]) == windows
    assert sum(window - 1 for window in windows) == size - 1
    assert set(program.ops["pool_out_width"]) == {20}


def test_a_transposed_convolution_makes_pixels_as_channels():
    conv = {"input": [13, 13, 64], "kernels": 32, "kernel": 4, "stride": 2, "padding": 1}
    fields = {"on": "nvdla0", "fallback": "core0", "layers": [{"deconv": conv}]}
    program = lower(NetworkJob.model_validate(fields), "nv_large")
    op = program.ops[0]
    assert [int(op[key]) for key in ("out_width", "out_height", "kernels", "kernel_width")] == [
        13,
        13,
        128,
        2,
    ]
    spread = next(task for task in program.tasks if program.layers[task["layer"]].kind == "depth_to_space")
    assert (spread["read_bytes"], spread["write_bytes"]) == (13 * 13 * 128, 26 * 26 * 32)
    full = lower(NetworkJob.model_validate(fields), "nv_full").ops
    assert full["unit"][1] == Unit.RUBIK
    assert (full["out_width"][1], full["out_channels"][1]) == (26, 32)


def test_what_the_accelerator_cannot_do_is_named():
    layers = [
        {"conv": {"input": [80, 8, 8], "kernels": 8, "kernel": 1, "activation": "sigmoid"}},
        {"pool": {"function": "average"}},
    ]
    work = NetworkJob.model_validate({"on": "nvdla0", "fallback": "core0", "layers": layers})
    assert lower(work, "nv_small").warnings == [
        "layer 'conv_0.sigmoid' (sigmoid activation) is more than nv_small can do; a core does it",
        "layer 'pool_1' (average pool over 80x8) is more than nv_small can do; a core does it",
    ]
    assert lower(work, "nv_large").warnings == [
        "layer 'pool_1' (average pool over 80x8) is more than nv_large can do; a core does it"
    ]


def test_concatenation_in_place_needs_no_launches():
    copied = lower(job("yolov3-tiny", strategy="traffic", concat="copy"), "nv_large")
    in_place = lower(job("yolov3-tiny", strategy="traffic"), "nv_large")
    assert len(launches(copied, Unit.SDP)) == 2
    assert len(launches(in_place, Unit.SDP)) == 0


def test_base_address_moves_everything():
    here, there = lower(job("lenet5"), "nv_small"), lower(job("lenet5"), "nv_small", base_address=1 << 20)
    assert (there.ops["src"] - here.ops["src"] == 1 << 20).all()
    assert (there.ops["weights"][there.ops["unit"] == Unit.CONV] >= 1 << 20).all()
    assert (there.tasks["read_address"] - here.tasks["read_address"] == 1 << 20).all()


@st.composite
def inline_networks(draw):
    """Chains of layers that fit one another, with branches that join again."""
    sizes = st.integers(4, 40)
    channels = draw(st.integers(1, 100))
    first = {"input": [draw(sizes), draw(sizes), draw(st.integers(1, 80))]}
    layers = [{"conv": {**first, "kernels": channels, "kernel": 3, "padding": 1}}]

    def name_last() -> str:
        name = f"layer{len(layers)}"
        next(iter(layers[-1].values())).setdefault("name", name)
        return next(iter(layers[-1].values()))["name"]

    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["conv", "grouped", "pool", "activation", "add", "concat"]))
        if kind == "conv":
            size, channels = draw(st.sampled_from([1, 3])), draw(st.integers(1, 100))
            layers.append({"conv": {"kernels": channels, "kernel": size, "padding": size // 2}})
        elif kind == "grouped":
            groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
            layers.append({"conv": {"kernels": channels, "kernel": 3, "padding": 1, "groups": groups}})
        elif kind == "pool":
            layers.append({"pool": {"kernel": 2, "padding": 1, "stride": draw(st.integers(1, 2))}})
        elif kind == "activation":
            layers.append({"activation": {"function": draw(st.sampled_from(["relu", "leaky", "sigmoid"]))}})
        else:
            before, kernels = name_last(), channels if kind == "add" else draw(st.integers(1, 70))
            layers.append({"conv": {"kernels": kernels, "kernel": 1, "activation": "relu"}})
            layers.append({kind: {"from": [before, name_last()]}})
            channels = channels if kind == "add" else channels + kernels
    return layers


@given(
    layers=inline_networks(),
    preset=st.sampled_from(["nv_small", "nv_medium_1024", "nv_large"]),
    strategy=st.sampled_from(["nvidia", "traffic"]),
    dependencies=st.sampled_from(["serial", "data"]),
)
@settings(max_examples=60)
def test_random_networks_conserve_macs_and_bytes(layers, preset, strategy, dependencies):
    fields = {"layers": layers, "strategy": strategy, "dependencies": dependencies}
    fields |= {"on": "nvdla0", "fallback": "core0"}
    work, target = NetworkJob.model_validate(fields), target_of(preset)
    program = lower(work, preset)
    check(program, load_network(work), target)
    for step in program.steps[program.steps["on"] == On.ACCELERATOR]:
        op = program.ops[step["index"]]
        assert op_traffic(op, target).written_bytes == len(op_writes(op, target)) * target.atom_bytes
    alone = lower(work.model_copy(update={"planner": "separate"}), preset)
    assert producers(program, target) == producers(alone, target)
