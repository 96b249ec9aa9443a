"""Register-level programs: reading text traces, what they become, and networks written as such."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from hw_models.errors import ConfigError
from hw_models.nvdla.decode import op_of
from hw_models.nvdla.encode import launch_of
from hw_models.nvdla.op import OP, Unit
from hw_models.nvdla.presets import PRESETS
from hw_models.nvdla.values.memory import Memory
from simulator.config.model import load
from simulator.values import compile_network, compute_values
from workloads import lower
from workloads.params import NetworkJob
from workloads.traces.cfg import read_cfg
from workloads.traces.commands import Check, Fill, Load, Notify, Poll, Wait, Write
from workloads.traces.images import load_image
from workloads.traces.play import play
from workloads.traces.program import fill, read_register_program, script_of
from workloads.traces.txn import read_txn
from workloads.traces.write import write_image
from workloads.values.plan import ValuePlan
from workloads.values.quantisation import Seeded

BOOKKEEPING = {"layer", "macs", "registers", "x1_work", "x2_work"}
SMALL = PRESETS["nv_small"]

COPY = """
reg_write(NVDLA_SDP.S_POINTER_0, {group});
reg_write(NVDLA_SDP.D_DATA_CUBE_CHANNEL_0, 0x7);
reg_write(NVDLA_SDP.D_DST_BASE_ADDR_LOW_0, {target:#x});
reg_write(NVDLA_SDP.D_CVT_SCALE_0, 1);
reg_write(NVDLA_SDP_RDMA.S_POINTER_0, {group});
reg_write(NVDLA_SDP_RDMA.D_DATA_CUBE_CHANNEL_0, 0x7);
reg_write(NVDLA_SDP_RDMA.D_SRC_BASE_ADDR_LOW_0, {source:#x});
reg_write(NVDLA_SDP_RDMA.D_FEATURE_MODE_CFG_0, 0x0);
reg_write(NVDLA_SDP_RDMA.D_OP_ENABLE_0, 1);
reg_write(NVDLA_SDP.D_OP_ENABLE_0, 1);
"""


def program(tmp_path: Path, text: str, name: str = "p.cfg") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_commands_of_a_text_trace(tmp_path):
    path = program(
        tmp_path,
        """// a comment
mem_init(pri_mem, 0x100, 0x20, ALL_ZERO);
mem_load(pri_mem, 0x100, "x.dat"); // behind a command
/* two
lines */ poll_reg_equal(NVDLA_CDMA.S_CBUF_FLUSH_STATUS_0,0x1);
reg_write(NVDLA_SDP.D_CVT_SHIFT_0, 0x3);
intr_notify(SDP_0, done);
sync_wait(NVDLA_CSC, done);
check_crc(done, 1, 0x100, 0x20, 0xabc);
check_nothing(done);
""",
    )
    fill, image, poll, write, notify, wait, check, nothing = read_cfg(path)
    assert fill == Fill(0x100, 0x20, "ALL_ZERO", 2)
    assert image == Load(0x100, tmp_path / "x.dat", 0, 3)
    assert poll == Poll("CDMA", "S_CBUF_FLUSH_STATUS", 0xFFFFFFFF, 1, 5)
    assert write == Write("SDP", "D_CVT_SHIFT", 3, 6)
    assert (notify, wait) == (Notify("SDP_0", "done", 7), Wait("done", 8))
    assert check == Check("done", 0x100, 0x20, 0xABC, None, 9)
    assert nothing.size == 0


def test_commands_of_an_older_trace_have_addresses(tmp_path):
    path = program(
        tmp_path,
        """load_mem 0x80000000 0x20 in.dat
write_reg 0xffff2c32 0x00000003 # NVDLA_SDP.D_CVT_SHIFT of nv_full: 0xb0c8
read_reg 0x00001403 0xffffffff 0x1
wait posedge dla_intr
dump_mem 0x90000000 0x20 out.dat
""",
        "input.txn",
    )
    image, write, poll, notify, check = read_txn(path)
    assert image == Load(0x80000000, tmp_path / "in.dat", 0x20, 1)
    assert write == Write("SDP", "D_CVT_SHIFT", 3, 2)
    assert poll == Poll("CDMA", "S_CBUF_FLUSH_STATUS", 0xFFFFFFFF, 1, 3)
    assert notify == Notify("", "", 4)
    assert check == Check("", 0x90000000, 0x20, None, tmp_path / "out.dat", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reg_write(NVDLA_SDP.D_CVT_SHIFTS_0, 1);", "{p}:1: reg_write: 'NVDLA_SDP.D_CVT_SHIFTS_0' is not a register; write NVDLA_UNIT.REGISTER_0"),
        ("\nreg_write(NVDLA_SDP.D_CVT_SHIFT_0, one);", "{p}:2: reg_write: 'one' is not a number; write 0x12 or 18"),
        ("reg_write(NVDLA_SDP.D_CVT_SHIFT_0);", "{p}:1: reg_write: 1 arguments; it takes 2"),
        ("reg_write NVDLA_SDP", "{p}:1: 'reg_write NVDLA_SDP' is not a command; write NAME(ARGUMENT, ...);"),
        ("// nothing", "{p}: enables no operation; write D_OP_ENABLE of every unit it needs"),
        ("reg_write(NVDLA_PDP.D_OPERATION_MODE_CFG_0, 0x10);\nreg_write(NVDLA_PDP.D_OP_ENABLE_0, 1);", "{p}: PDP enabled, and the units it works with are not; enable those as well"),
    ],
)  # fmt: skip
def test_faults_name_file_and_line(tmp_path, text, message):
    path = program(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        script_of(path)
    assert str(caught.value) == message.format(p=path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("poll_reg_equal(NVDLA_SDP.D_CVT_SCALE_0, 0x1f);", "{p}:11: waits for 0x1f in SDP.D_CVT_SCALE, which is 0x1 and stays so"),
        ("poll_field_equal(NVDLA_CDMA, NVDLA_SDP.D_CVT_SHIFT_0, CVT_SHIFT, 3);", "{p}:11: waits for 0x3 in SDP.D_CVT_SHIFT, which is 0x0 and stays so"),
        ("poll_field_equal(NVDLA_SDP.D_CVT_SHIFT_0, SHIFT, 3);", "{p}:11: poll_field_equal: 'SHIFT' is not a field of D_CVT_SHIFT; write one of CVT_SHIFT"),
        ("poll_reg_equal(NVDLA_CDMA.S_CBUF_FLUSH_STATUS_0, 0x2);", "{p}:11: waits for bits 0x2 of CDMA.S_CBUF_FLUSH_STATUS, which has none there"),
        ("sync_wait(NVDLA_CSC, nobody);", "{p}:11: waits for 'nobody'; no intr_notify or sync_notify gives it"),
        ("intr_notify(PDP_0, nobody);", "{p}:11: waits for PDP_0, and the program enables no PDP"),
        ("intr_notify(DSP_0, nobody);", "{p}:11: intr_notify: 'DSP_0' is not an interrupt; write one of SDP_0, "),
        ("mem_init(pri_mem, 0x0, 0x20, ALL_ZEROS);", "{p}:11: mem_init: 'ALL_ZEROS' is not a pattern; write one of ALL_ZERO, "),
        ("mem_load(prim_mem, 0x0, \"x.dat\");", "{p}:11: mem_load: 'prim_mem' is not a memory; write pri_mem or sec_mem"),
    ],
)  # fmt: skip
def test_what_never_comes_and_what_is_unknown_is_refused(tmp_path, text, message):
    path = program(tmp_path, COPY.format(group=0, source=0x100, target=0x200).lstrip() + text)
    with pytest.raises(ConfigError) as caught:
        script_of(path)
    assert str(caught.value).startswith(message.format(p=path))


def test_polls_reads_and_syncs_that_come_are_passed(tmp_path):
    text = """sync_wait(NVDLA_SDP, go);
reg_read(NVDLA_SDP.D_CVT_SCALE_0, scale);
reg_read_check(NVDLA_SDP.D_CVT_SCALE_0, 0x1);
poll_field_equal(NVDLA_SDP.D_CVT_SCALE_0, CVT_SCALE, 1);
poll_reg_equal(NVDLA_SDP.S_STATUS_0, 0x0);
sync_notify(NVDLA_CDMA, go);
intr_notify(done);
check_nothing(done);
"""
    script = script_of(program(tmp_path, COPY.format(group=0, source=0x100, target=0x200) + text))
    assert len(script.launches) == 1


def test_memory_is_set_to_patterns():
    memory = Memory()
    for address, pattern in ((0, "ONES"), (4, "AFIVE"), (8, "FIVEA"), (0x1FE, "ADDR"), (4, "RANDOM")):
        fill(Fill(address, 4, pattern, 1), memory)
    fill(Fill(1, 1, "ALL_ZERO", 1), memory)
    assert memory.read(0, 12).tobytes().hex() == "ff00ffffa5a5a5a55a5a5a5a"
    assert memory.read(0x1FE, 4).tobytes().hex() == "feff0001"


def test_a_check_that_differs_is_told(tmp_path):
    text = COPY.format(group=0, source=0x100, target=0x200) + "intr_notify(SDP_0, s);\n"
    path = program(tmp_path, text + "check_crc(s, 1, 0x200, 0x8, 0x12345678);")
    config = tmp_path / "c.yaml"
    system = {"accelerators": {"nvdla0": {"preset": "nv_small_256"}}, "memory": {"latency": "9 cycles"}}
    job = {"network": {"program": path.name}, "on": "nvdla0"}
    config.write_text(yaml.safe_dump({"system": system, "workloads": {"t": job}}))
    told = compute_values(load(config))["t"].told()
    assert told == "0 of 1 checks equal; 8 B at 0x200 have 0x6522df69, 0x12345678 asked for"


def test_a_program_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="no such file; write the path of a register program"):
        script_of(tmp_path / "none.cfg")
    with pytest.raises(ConfigError, match=r"none.txt is neither a .cfg nor a .txn register program"):
        script_of(tmp_path / "none.txt")


def test_launches_wait_for_what_was_notified_and_waited_for(tmp_path):
    text = COPY.format(group=0, source=0x100, target=0x200) + "intr_notify(SDP_0, one);\n"
    text += COPY.format(group=1, source=0x100, target=0x300) + "intr_notify(SDP_1, two);\n"
    text += "sync_wait(two);\n" + COPY.format(group=0, source=0x300, target=0x400)
    lowered = read_register_program(program(tmp_path, text), SMALL, 1 << 32)
    assert list(lowered.ops["unit"]) == [Unit.SDP] * 3
    assert list(lowered.ops["dst"] - (1 << 32)) == [0x200, 0x300, 0x400]
    assert list(lowered.steps["dep_count"]) == [0, 0, 1]
    assert list(lowered.deps) == [1]
    assert [layer.kind for layer in lowered.layers] == ["sdp"] * 3


def test_older_traces_wait_for_everything_before(tmp_path):
    lines = [("SDP_RDMA", 0x2800), ("SDP", 0x2C00)]
    copy = "".join(f"write_reg 0x{base + word:08x} 0x{value:x}\n" for base, word, value in [
        (0x2C00, 0x31, 1), (0x2800, 0x1C, 0), (0x2800, 2, 1), (0x2C00, 0xE, 1),
    ])  # fmt: skip
    assert lines
    lowered = read_register_program(
        program(tmp_path, copy + "wait high dla_intr\n" + copy, "a.txn"), PRESETS["nv_full"]
    )
    assert list(lowered.steps["dep_count"]) == [0, 1]


def test_a_polled_status_holds_back_what_follows(tmp_path):
    text = COPY.format(group=0, source=0x100, target=0x200)
    text += "poll_reg_equal(NVDLA_GLB.S_INTR_STATUS_0, 0x1);\n" + COPY.format(
        group=1, source=0x200, target=0x300
    )
    lowered = read_register_program(program(tmp_path, text), SMALL)
    assert list(lowered.steps["dep_count"]) == [0, 1]


def test_copied_bytes_are_compared_with_a_file(tmp_path):
    data = np.arange(8, dtype=np.uint8)
    write_image(tmp_path / "x.dat", data)
    text = 'mem_load(pri_mem, 0x100, "x.dat");\n' + COPY.format(group=0, source=0x100, target=0x200)
    text += 'check_file(done, 1, 0x200, 0x8, "x.dat");\ncheck_file(done, 1, 0x300, 0x8, "x.dat");'
    same, other = play(script_of(program(tmp_path, text)), SMALL).checks
    assert same.ours == same.reference != other.ours
    assert other.reference == same.reference


def test_16_bit_data_are_twice_the_bytes(tmp_path):
    text = COPY.format(group=0, source=0x100, target=0x200)
    text = "reg_write(NVDLA_SDP.D_DATA_FORMAT_0, 0x5);\n" + text
    assert list(read_register_program(program(tmp_path, text), PRESETS["nv_full"]).ops["channels"]) == [16]


CONV = """
reg_write(NVDLA_SDP.D_FEATURE_MODE_CFG_0, 1);
reg_write(NVDLA_SDP.D_DATA_CUBE_WIDTH_0, {width});
reg_write(NVDLA_CSC.D_DATAOUT_SIZE_0_0, 3);
reg_write(NVDLA_CACC.D_DATAOUT_SIZE_0_0, 3);
reg_write(NVDLA_CDMA.D_DATAIN_SIZE_0_0, 3);
reg_write(NVDLA_CDMA.D_MISC_CFG_0, 0);
reg_write(NVDLA_CDMA.D_BANK_0, {banks:#x});
reg_write(NVDLA_CSC.D_ENTRY_PER_SLICE_0, {entries});
reg_write(NVDLA_CDMA.D_WEIGHT_BYTES_0, {weights});
""" + "".join(
    f"reg_write(NVDLA_{unit}.D_OP_ENABLE_0, 1);\n"
    for unit in ("SDP", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA")
)
RIGHT = {"width": 3, "banks": 0, "entries": 3, "weights": 128}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, ""),
        ({"width": 4}, "SDP expects 5x1; CSC makes 4x1"),
        ({"banks": 0x1F0001}, "34 banks for data and weights; CBUF has 32"),
        ({"entries": 512}, "513 entries of input; 1 data banks hold 512"),
        ({"weights": 0}, "weights of 0 B; its kernels have 1"),
    ],
)
def test_launches_that_could_never_end_are_refused(tmp_path, change, message):
    path = program(tmp_path, CONV.format(**RIGHT | change))
    if not message:
        assert len(read_register_program(path, SMALL).ops) == 1
        return
    with pytest.raises(ConfigError) as caught:
        read_register_program(path, SMALL)
    assert str(caught.value) == f"{path}:16: {message}"


def test_units_that_an_accelerator_lacks_are_refused(tmp_path):
    path = program(tmp_path, "reg_write(NVDLA_RBK.D_OP_ENABLE_0, 1);")
    with pytest.raises(ConfigError, match="1: this accelerator has no RUBIK; nv_full has"):
        read_register_program(path, SMALL)
    assert read_register_program(path, PRESETS["nv_full"]).layers[0].kind == "rubik"


def test_images_come_back(tmp_path):
    data = np.random.default_rng(0).integers(0, 256, 100).astype(np.uint8)
    write_image(tmp_path / "x.dat", data)
    memory = Memory()
    load_image(memory, tmp_path / "x.dat", 0x1234)
    assert np.array_equal(memory.read(0x1234, 100), data)
    packets = (tmp_path / "x.dat").read_text().replace("size:32", "size: 32")  # read one by one
    (tmp_path / "y.dat").write_text(packets)
    load_image(memory, tmp_path / "y.dat", 0x8000)
    assert np.array_equal(memory.read(0x8000, 128), memory.read(0x1234, 128))
    (tmp_path / "rows.dat").write_text("@0\n0x01 0x02\n0x0304\n")
    load_image(memory, tmp_path / "rows.dat", 0, 3)
    assert list(memory.read(0, 4)) == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("network", "preset"), [("lenet5", "nv_small"), ("resnet50", "nv_large"), ("yolov3", "nv_large")]
)
def test_registers_say_all_that_decides_the_timing(network, preset):
    lowered = lower(NetworkJob(network=network, on="a", fallback="c"), preset)
    numbers = PRESETS[preset]
    plan = ValuePlan(lowered, numbers, Seeded(None, 1)) if network == "lenet5" else None
    names = set(OP.names) - BOOKKEEPING
    for number, step in enumerate(lowered.steps):
        if step["on"] != 0:
            continue
        op = lowered.ops[step["index"]]
        if plan is None and op["x1"] > 1:
            continue  # an operand in memory: its width comes with its values
        launch = plan.steps[number].launch if plan else launch_of(op, numbers, {})
        back = op_of(launch, numbers["atom_bytes"])[0]
        different = {name for name in names if back[name] != op[name]} - (
            {"x2_relu"} if plan is None else set()
        )
        assert not different, (number, different)


@pytest.fixture
def lenet():
    return load("configs/nv_small_tiny.yaml")


def test_a_compiled_network_played_gives_the_same_operations_and_values(lenet, tmp_path):
    (path,) = compile_network(lenet, tmp_path)
    script = script_of(path)
    outcome = play(script, SMALL)
    assert [check.ours for check in outcome.checks] == [check.reference for check in outcome.checks]
    assert len(outcome.checks) == 1
    lowered = lower(lenet.workloads["classify"], SMALL)
    again = read_register_program(path, SMALL)
    for name in set(OP.names) - BOOKKEEPING:
        assert np.array_equal(again.ops[name], lowered.ops[name]), name


def test_a_launch_finds_nothing_that_an_earlier_one_left(lenet, tmp_path):
    """Leaky layers leave shifts behind; plain ones and additions in the same register group must not see them."""
    leaky = {"kernels": 16, "kernel": "3x3", "padding": 1, "activation": "leaky"}
    plain = {"kernels": 16, "kernel": "1x1", "bias": False}
    layers = [
        {"conv": {"input": [9, 9, 8], "name": "a", **leaky}},
        {"conv": {"name": "b", **leaky}},
        {"conv": {"name": "c", **plain}},
        {"conv": {"name": "d", **plain}},
        {"add": {"from": ["c", "d"], "name": "e"}},
        {"pool": {"kernel": "3x3", "stride": 3, "function": "average", "name": "f"}},
    ]
    job = {"layers": layers, "on": "nvdla0", "fallback": "core0"}
    system = yaml.safe_load(Path("configs/nv_small_tiny.yaml").read_text())["system"]
    config = load({"system": system, "workloads": {"chain": job}})
    (path,) = compile_network(config, tmp_path)
    script = script_of(path)
    outcome = play(script, SMALL)
    assert outcome.checks
    assert all(check.ours == check.reference for check in outcome.checks)
    lowered = lower(config.workloads["chain"], SMALL)
    plan = ValuePlan(lowered, SMALL, Seeded(None, 1))
    made = [step.launch for step in plan.steps if step.launch is not None]
    for ours, theirs in zip(made, script.launches, strict=True):
        for unit in ours.units:
            names = set(ours[unit].values) | set(theirs[unit].values)
            different = {n for n in names if ours[unit].raw(n) != theirs[unit].raw(n)}
            assert different <= {"S_POINTER", "D_OP_ENABLE"}, unit


def test_parameters_come_from_a_file(lenet, tmp_path):
    image = np.full((28, 28, 1), 5, np.int8)
    np.savez(tmp_path / "p.npz", image=image)
    given, seeded = compute_values(lenet, tmp_path / "p.npz")["classify"], compute_values(lenet)["classify"]
    assert given.rows["least"][0] == given.rows["most"][0] == 5
    assert given.rows["crc32"][1:] != seeded.rows["crc32"][1:]


@pytest.mark.parametrize(
    ("name", "arrays", "message"),
    [
        ("none.npz", None, "{p}: no such file; write the path of an .npz file"),
        ("text.npz", "words", "{p}: is not an .npz file of plain arrays; write one with numpy.savez"),
        (
            "shape.npz",
            {"image": np.zeros((2, 2, 1), np.int8)},
            "{p}: image: (2, 2, 1); its layer needs (28, 28, 1)",
        ),
    ],
)
def test_bad_parameters_are_one_line(lenet, tmp_path, name, arrays, message):
    path = tmp_path / name
    if isinstance(arrays, str):
        path.write_text(arrays)
    elif arrays:
        np.savez(path, **arrays)
    with pytest.raises(ConfigError) as caught:
        compute_values(lenet, path)
    assert str(caught.value) == message.format(p=path)


def test_values_of_a_seeded_network_are_those_of_plain_arithmetic(lenet):
    """LeNet layer by layer, in real numbers: INT8 stays within a step of it."""
    values = compute_values(lenet)["classify"]
    lowered = lower(lenet.workloads["classify"], SMALL)
    plan = ValuePlan(lowered, SMALL, Seeded(None, lenet.simulation.seed))
    seeded = Seeded(None, lenet.simulation.seed)
    seen = {}
    for step in plan.run():
        origin = step.origin
        if step.launch is None or origin is None or origin.kind not in ("conv", "pool"):
            continue
        data = seen.get(origin.inputs[0], plan.read(origin.inputs[0])).astype(float)
        node = origin.nodes[0]
        if origin.kind == "conv":
            window = node.window
            if node.kind == "fc":
                window = window._replace(height=data.shape[0], width=data.shape[1])
                node = type(node)(
                    node.name, "conv", node.inputs, node.output, window, node.kernels, 1, node.bias
                )
            channels = data.shape[2]
            weights = (
                seeded.weights(node, channels) * seeded.weight_scales(node, channels)[:, None, None, None]
            )
            padded = np.pad(data, ((window.top, window.bottom), (window.left, window.right), (0, 0)))
            height, width = window.output(*data.shape[:2])
            expected = np.array([[
                (padded[y * window.stride_y:][:window.height, x * window.stride_x:][:, :window.width].transpose(2, 0, 1)
                 * weights).sum(axis=(1, 2, 3)) for x in range(width)] for y in range(height)])  # fmt: skip
            expected += seeded.bias(node, channels)
            if any(n.kind == "activation" for n in origin.nodes):
                expected = np.maximum(expected, 0)
            expected = np.clip(expected, -128, 127)
        else:
            window = node.window
            height, width = window.output(*data.shape[:2])
            expected = np.array([[data[y * window.stride_y:][:window.height, x * window.stride_x:][:, :window.width]
                                  .max(axis=(0, 1)) for x in range(width)] for y in range(height)])  # fmt: skip
        seen[origin.output] = plan.read(origin.output)
        assert np.abs(seen[origin.output] - expected).max() <= 0.51, origin.output
    assert values.outputs["softmax"].sum() == pytest.approx(1)
