"""Whole systems on GPUs, without one: layouts, PTX, and the launches on a stand-in that is a CPU."""

import os
import re
import shutil
import subprocess
import tempfile

import numba
import numpy as np
import pytest
from cuda_host import Host

import simulator
from hw_models.errors import ConfigError, StuckError
from hw_models.likely import name_of
from simulator.config.model import load
from simulator.cuda import points, soc, soc_rows
from simulator.cuda.compile import _ending, ptx_of
from simulator.cuda.layout import cut, packed
from simulator.cuda.measure_soc import design
from simulator.cuda.soc_layout import shape_of
from simulator.cuda.units import one_program
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

compiled = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="there is nothing to compile")
SYSTEM = """
name: small
system:
  accelerators:
    nvdla0: {preset: nv_small, clock: 500 MHz}
  cores:
    core0: {clock: 1 GHz}
  interconnect: {clock: 500 MHz, width: 8 B, latency: 8 cycles}
  llc: {clock: 500 MHz, size: 128 KiB, ways: 8, line: 64 B, mshrs: 8}
  dram: {standard: DDR3-1600}
workloads:
  classify: {network: lenet5, precision: int8, on: nvdla0, fallback: core0, frames: 2}
"""


@pytest.fixture(scope="module")
def systems():
    return soc.Systems(Host())


def build(number):
    return build_machine(design(number, corunner=False))


def ended(systems, build, count):
    return {
        number: (machine, error)
        for number, machine, error in systems.run([soc_rows.point_of(build(k)) for k in range(count)], build)
    }


def differences(machine, right):
    """Return what is not as the CPU has it, of all state."""
    rows, wanted = (soc_rows.rows_of(each, shape_of(right)) for each in (machine, right))
    names = [name for name in rows if rows[name].tobytes() != wanted[name].tobytes()]
    return names + [f for f in rows["point"].dtype.names if (rows["point"][f] != wanted["point"][f]).any()]


def test_a_layout_cuts_arrays_and_what_lies_in_them():
    inner = np.dtype([("a", np.int64, (8,)), ("b", np.int32)])
    kind = np.dtype([("many", inner, (4, 2)), ("one", inner), ("left", np.int64, (3,))])
    short = cut(kind, {"many": (2, 1), "many.": {"a": (5,)}, "one": {"a": (1,)}})
    assert short["many"].shape == (2, 1)
    assert short["many"].base["a"].shape == (5,)
    assert short["one"]["a"].shape == (1,)
    assert short["left"] == kind["left"]
    assert packed(short).itemsize < packed(kind).itemsize


def test_a_machine_comes_back_as_it_was():
    machine, other = build(1), build(1)
    machine.system[0]["events"] = 5
    machine.channels[0]["reads"] = 7
    machine.wired.tags["line"][3, 2] = 11
    machine.jobs[0]["completed"][3] = 2
    rows = soc_rows.rows_of(machine, shape_of(machine))
    soc_rows.restore(other, rows)
    for name, array in (soc_rows.states_of(machine) | soc_rows.tables_of_its_own(machine)).items():
        assert (
            array.tobytes() == (soc_rows.states_of(other) | soc_rows.tables_of_its_own(other))[name].tobytes()
        ), name


def test_what_runs_beside_the_event_loop_stays_on_the_cpu():
    machine = build(0)
    assert soc_rows.why_not(machine) == ""
    machine.storage = object()
    assert soc_rows.why_not(machine) == "flash or a backend runs beside the event loop"


def test_what_raises_ends_the_launch():
    raises = "define i32 @{}({}) {{\n  ret i32 {}\n}}\n"
    code = "".join(
        raises.format(*each) for each in (("a", "ptr %excinfo", 1), ("b", "", 1), ("c", "ptr %excinfo", 0))
    )
    changed = _ending(code)
    assert changed.count("call void @llvm.trap()\n  unreachable") == 1
    assert "ret i32 1" not in changed.partition("@b")[0]
    assert changed.count("ret i32 1") == changed.count("ret i32 0") == 1


def test_points_share_what_is_known_of_all_their_units():
    machine = build(0)
    known = dict(shape_of(machine).known)
    assert dict(known["caches"])["banks"] == machine.caches[0]["banks"]
    assert dict(known["buses"])["trackers"] == 0
    machine.system[0]["one_clock"] = 1 - machine.system[0]["one_clock"]
    assert shape_of(machine) != shape_of(build(0))


def test_a_kernel_is_compiled_for_what_all_points_agree_in():
    first, second = (soc_rows.point_of(build(number)) for number in range(2))
    shared = dict(soc._alike([first.values, second.values]))
    assert 0 < len(shared) < len(first.values)
    assert shared.items() <= dict(first.values).items() & dict(second.values).items()
    assert shared["CACHE.line_bytes"] == build(0).caches[0]["line_bytes"]


@compiled
def test_all_state_is_as_on_the_cpu(systems, monkeypatch):
    monkeypatch.setattr(soc, "EVENTS", 9_999)  # several launches
    found = ended(systems, build, 3)
    for number, (machine, error) in found.items():
        right = build(number)
        run_machine(right)
        assert error is None
        assert differences(machine, right) == []


@compiled
def test_a_run_that_is_cut_off_has_counted_what_nvdla_left_for_later(systems):
    def cut_off(number):
        until = f"simulation.until={('66.117', '80.143', '87.156')[number]} us"
        return build_machine(load(design(0, corunner=False), settings=[until]))

    for number, (machine, error) in ended(systems, cut_off, 3).items():
        right = cut_off(number)
        run_machine(right)
        assert error is None
        assert differences(machine, right) == []


@compiled
def test_more_systems_than_fit_run_in_waves(systems, monkeypatch):
    given = [soc_rows.point_of(build(k)) for k in range(3)]
    monkeypatch.setattr(systems.device, "_room", 2 * max(point.bytes for point in given))
    assert list(map(len, systems.waves(given))) == [2, 1]
    monkeypatch.setattr(systems.device, "_room", 1000)
    with pytest.raises(ConfigError, match=r"^--device: a point takes \d+ B of memory, this CPU has 1000 B"):
        list(systems.waves(given))


@compiled
def test_what_goes_wrong_is_told_as_on_the_cpu(systems):
    def stuck(_):
        machine = build(0)
        machine.wires[0]["fifo"]["limit"][4] = 0  # no room for an answer, ever
        return machine

    ((_, error),) = ended(systems, stuck, 1).values()
    with pytest.raises(StuckError) as told:
        run_machine(stuck(0))
    assert str(error) == str(told.value)


@compiled
def test_the_kernel_becomes_ptx_that_ptxas_takes():
    config = load(
        {
            "system": {
                "cores": {"core0": {"clock": "1 GHz"}},
                "interconnect": {"clock": "500 MHz", "width": "8 B"},
                "memory": {"latency": "50 cycles"},
            },
            "corunners": [{"on": "core0", "kind": "bandwidth_write", "footprint": "1 MiB"}],
            "simulation": {"until": "10 us"},
        }
    )
    with one_program():
        ptx = ptx_of((soc.entry_of(shape_of(build_machine(config))),), "sm_90")
    assert ".visible .entry simulate(" in ptx
    assert ".extern" not in ptx
    assert not re.search(r"\b(max|min)\.[su](8|16)", ptx)
    assert len(re.findall(r"\batom", ptx)) <= 8  # those of the queues: no references are counted
    functions = map(name_of, re.findall(r"(?m)^\.func (?:\([^)]*\) )?(\w+)", ptx))
    assert not set(functions) & set(soc.ALWAYS_INLINED)
    ptxas = shutil.which("ptxas")
    if ptxas is not None:
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "soc.ptx")
            with open(file, "w") as out:
                out.write(ptx)
            subprocess.run([ptxas, "-O1", "-arch=sm_90", file, "-o", os.path.join(folder, "out")], check=True)


@compiled
def test_a_sweep_of_systems_is_the_same_on_all_devices(systems, tmp_path, monkeypatch):
    monkeypatch.setattr(soc_rows, "ENTRIES", 8)  # of the ledger: the clerk is asked for often
    monkeypatch.setattr(points, "count_gpus", lambda: 2)
    monkeypatch.setattr(points, "Gpu", lambda number: systems.device)
    (tmp_path / "base.yaml").write_text(SYSTEM)
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "base: base.yaml\naxes:\n  system.llc.size: [64 KiB, 128 KiB]\n"
        "  simulation.max_time: [1 s, 10 us]\n  system.llc.ways: [8, 3]\n"
        "objectives: {workloads.classify.latency_s: minimize}\n"
        "metrics: [dram.*.energy_j, llc.hit_rate, masters.nvdla0.read_latency_s.p99]\n"
    )
    simulator.sweep(file, out=tmp_path / "cpu")
    outcome = simulator.sweep(file, out=tmp_path / "cuda", device="cuda")
    table = (tmp_path / "cpu" / "results.csv").read_text()
    assert (tmp_path / "cuda" / "results.csv").read_text() == table
    assert table.count("10 us of simulated time passed") == 2
    assert re.match(r"4 points on 2 x this CPU: \d+ B a point at most, 2 waves$", outcome.device)
