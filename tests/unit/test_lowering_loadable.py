"""The published YOLOv3 loadable as a program, and our own lowering beside it."""

import csv

import pytest

from hw_models.errors import ConfigError
from hw_models.nvdla.op import Operand, Unit
from simulator.validate.yolov3_ops import REFERENCE, figures, fold
from workloads import lower
from workloads.lowering.target import target_of
from workloads.params import NetworkJob
from workloads.traffic import op_traffic

LARGE = target_of("nv_large")


@pytest.fixture(scope="module")
def program():
    fields = {"network": {"loadable": str(REFERENCE)}, "on": "nvdla0", "fallback": "core0"}
    return lower(NetworkJob.model_validate(fields), "nv_large")


def test_operations_are_the_lists(program):
    convolutions = program.ops[program.ops["unit"] == Unit.CONV]
    alone = program.ops[program.ops["unit"] == Unit.SDP]
    assert (len(convolutions), len(alone)) == (142, 34)
    assert (alone["x1"] == Operand.PER_ELEMENT).sum() == 23
    assert list(program.steps["submit"][program.steps["on"] == 0]).count(0) == 118 + 145 - 118
    assert int(convolutions["macs"].sum()) == 33_657_847_808


def test_traffic_by_subgraph_is_the_references(program):
    with REFERENCE.with_name("yolov3_loadable_traffic.csv").open(newline="") as file:
        rows = {row["subgraph"]: row for row in csv.DictReader(file)}
    found = {}
    for step in program.steps[program.steps["on"] == 0]:
        traffic = op_traffic(program.ops[step["index"]], LARGE)
        found[str(step["submit"])] = found.get(str(step["submit"]), type(traffic)()).plus(traffic)
    for subgraph, traffic in found.items():
        row = rows[subgraph]
        # to the reference's own three digits, and 255 channels of its last copies counted unpadded
        assert traffic.weight_bytes / 1e6 == pytest.approx(float(row["weights_loaded_MB"]), abs=6e-4)
        assert traffic.feature_bytes / 1e6 == pytest.approx(float(row["ifmap_loaded_MB"]), abs=6e-4)
        assert traffic.operand_bytes / 1e6 == pytest.approx(float(row["sdp_operand_reads_MB"]), rel=2e-3)
        assert traffic.written_bytes / 1e6 == pytest.approx(float(row["outputs_written_MB"]), rel=2e-3)


def test_layers_fold_as_in_the_reference(program):
    with REFERENCE.with_name("yolov3_loadable_layers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    layers = fold(program, LARGE)
    assert [layer.name.split(".")[1] for layer in layers] == [row["key"] for row in rows]
    assert [layer.launches for layer in layers] == [int(row["n_splits"]) for row in rows]
    assert [layer.cycles for layer in layers] == [int(row["mac_cycles"]) for row in rows]
    assert [layer.traffic.weight_bytes for layer in layers] == [int(row["weight_loaded"]) for row in rows]


def test_core_steps_are_the_published_ones(program):
    """Bytes of `yolov3_cpu_steps.csv`, in its order but for copies that run as soon as they can."""
    found = sorted((int(task["read_bytes"]), int(task["write_bytes"])) for task in program.tasks)
    assert found == sorted(
        [
            (2768896, 692224),  # fp32 -> uint8
            (692224, 692224),  # NCHW -> NHWC
            (692224, 692224),  # into the DLA buffer
            (43264, 173056),  # upsample
            (43264, 172380),  # int8 -> fp32
            (172380, 172380),  # head
            (346112, 346112),  # memcpy 26x26x512
            (173056, 689520),
            (689520, 689520),
            (86528, 346112),  # upsample
            (692224, 692224),  # memcpy 52x52x256
            (692224, 2758080),
            (2758080, 2758080),
        ]
    )


def test_our_totals_are_within_five_percent_of_the_loadables():
    totals = {f.quantity: f for f in figures() if f.row["layer"] == "total" and f.row["key"] == "nvidia"}
    assert totals["conv_launches"].ours == totals["conv_launches"].reference == 142
    assert totals["sdp_launches"].ours == totals["sdp_launches"].reference == 176
    for figure in totals.values():
        assert abs(figure.error_percent) < 5, figure
    assert totals["total_bytes"].ours == 211_829_760
    assert totals["total_bytes"].reference == 212_029_440


def test_fewest_bytes_is_a_quarter_less_than_the_loadable():
    total = next(
        f
        for f in figures()
        if f.row["key"] == "traffic" and f.row["layer"] == "total" and f.quantity == "total_bytes"
    )
    assert not total.counted
    assert total.ours == 160_422_912


def test_without_a_core_only_the_accelerators_part_is_there():
    fields = {"network": {"loadable": str(REFERENCE)}, "on": "nvdla0"}
    program = lower(NetworkJob.model_validate(fields), "nv_large")
    assert (len(program.ops), len(program.tasks)) == (176, 0)


def test_a_list_compiled_for_another_accelerator_is_refused():
    fields = {"network": {"loadable": str(REFERENCE)}, "on": "nvdla0"}
    with pytest.raises(ConfigError) as error:
        lower(NetworkJob.model_validate(fields), "nv_small")
    assert str(error.value) == (
        f"{REFERENCE}:6: entry_per_slice: 208 entries a line, nv_small has 1664; "
        "run the list on the accelerator it was compiled for"
    )
