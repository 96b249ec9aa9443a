"""Units compiled for the parameters of one design do what they did, and no other design gets them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import llvmlite.binding as ll
import numpy as np
import pytest

from hw_models import known
from hw_models.jit import numba
from hw_models.llvm_known import fixed
from simulator.config.model import load
from simulator.kernel import tuned
from simulator.soc.build import build_machine
from simulator.soc.run import compiled, kernel_arguments, run_machine

DESIGNS = {"realtime_all": "300 us", "firesim_yolov3": "1 ms"}
MODULE = """
define i64 @f(ptr %p) {
  %1 = load i64, ptr %p, align 8, !known !0
  %2 = load i64, ptr %p, align 8, !known !1
  %3 = load i64, ptr %p, align 8
  %4 = add i64 %1, %2
  %5 = add i64 %4, %3
  ret i64 %5
}
!0 = !{!"CACHE.ways"}
!1 = !{!"CACHE.banks"}
"""
CONFIGS = Path(__file__).parents[2] / "configs"
compiles = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


def machine_of(name):
    until = "20 us" if numba.config.DISABLE_JIT else DESIGNS.get(name, "200 us")
    return build_machine(load(CONFIGS / f"{name}.yaml", settings=[f"simulation.until={until}"]))


def state_of(machine):
    """Return all that a run has left behind, as bytes."""
    return [each.tobytes() for each in (machine.system, machine.wires, machine.buses, machine.caches, machine.channels,
                                        machine.wired.tags, machine.cores, machine.measures)]  # fmt: skip


def test_the_values_of_parameters_take_the_place_of_their_loads_and_of_no_others():
    text = str(fixed(ll.parse_assembly(MODULE), [("CACHE.ways", 8), ("CACHE.queue", 5)]))
    assert text.count("load i64") == 2
    assert "add i64 0, 8" in text


def test_parameters_are_known_only_where_all_records_agree():
    rows = np.zeros(2, known.DTYPES["POLICY"])
    rows["kind"], rows["ways"] = 3, (4, 8)
    assert known.agreed({"POLICY": rows, "CACHE": np.zeros(0, known.DTYPES["CACHE"])}) == (
        ("POLICY.kind", 3),
    )


@pytest.mark.parametrize("name", [*DESIGNS, "two_buses"])
def test_no_parameter_changes_while_a_machine_runs(name):
    machine = machine_of(name)
    arguments = kernel_arguments(machine)
    before = tuned.parameters_of(*arguments[:4])
    assert len(before) > 60
    run_machine(machine)
    assert tuned.parameters_of(*arguments[:4]) == before


@compiles
@pytest.mark.parametrize("name", DESIGNS)
def test_tuned_units_leave_the_same_state_behind_and_are_put_back(name, monkeypatch):
    usual, machine = machine_of(name), machine_of(name)
    arguments = compiled(machine)
    parameters = tuned.parameters_of(*arguments[:4])
    monkeypatch.setattr(tuned, "SHORT_S", 0)
    with tuned.Tuned(*arguments[:4]) as mine:
        mine.begin()
        kinds = mine.kinds
    units = tuned.units_for(kinds, False)
    places = [int(unit.unit._place[0]) for unit, _ in units]
    with monkeypatch.context() as none_kept:
        none_kept.setattr(tuned.Tuned, "_take", lambda self: None)
        run_machine(usual)
    tuned.compile_all(kinds, False, parameters)
    with tuned.Tuned(*arguments[:4]) as mine:
        mine.look(tuned.SHORT_S)
        assert mine.left <= 1  # NVDLA's step, which takes longest to compile
        assert all(int(unit.unit._place[0]) != place for (unit, _), place in zip(units, places, strict=True))
        run_machine(machine)  # takes them itself
    assert state_of(machine) == state_of(usual)
    assert [int(unit.unit._place[0]) for unit, _ in units] == places


@compiles
def test_a_long_run_asks_a_second_process_once(monkeypatch):
    asked = []
    monkeypatch.setattr(tuned, "may_compile", lambda: True)
    monkeypatch.setattr(tuned, "start", lambda *what: asked.append(what))
    arguments = compiled(machine_of("firesim_yolov3"))
    arguments[2].caches["queue"] = 3  # a design that nobody has run
    with tuned.Tuned(*arguments[:4]) as mine:
        mine.look(tuned.LONG_S / 2)
        assert not asked
        for _ in range(3):
            mine.look(tuned.LONG_S)
    assert len(asked) == 1
    assert ("CACHE.queue", 3) in asked[0][2]


def test_none_is_asked_for_in_tests_nor_while_one_works(monkeypatch):
    assert not tuned.may_compile()
    monkeypatch.delenv("DLASIM_TUNE")
    monkeypatch.setattr(tuned.os, "cpu_count", lambda: 1)
    assert not tuned.may_compile()
    monkeypatch.setattr(tuned.os, "cpu_count", lambda: 2)
    assert tuned.may_compile()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as works:
        monkeypatch.setattr(tuned, "HELPERS", [works])
        assert not tuned.may_compile()
        works.communicate(b"\n")
    assert tuned.may_compile()


@compiles
def test_the_second_process_takes_what_it_is_told():
    command = [sys.executable, "-m", "simulator.kernel.tuned", json.dumps([["IDEAL"], False, []])]
    started = time.monotonic()
    assert subprocess.run(command, check=False).returncode == 0
    assert time.monotonic() - started < 60
