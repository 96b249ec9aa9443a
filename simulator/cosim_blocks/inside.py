"""The cocotb side: runs in the simulator's process, steps bench and twin, writes what came of it as JSON."""

import json
import os
from collections import deque
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from simulator.cosim_blocks.blocks import CASE
from simulator.cosim_blocks.planted import Mutant, planted_in_model

SHOWN = 6  # cycles before the first difference that are told


@cocotb.test()
async def model_and_twin_agree(dut: Any) -> None:
    """Every output of the twin is what the model says, in every cycle."""
    case = json.loads(os.environ[CASE])
    Clock(dut.clk, 2, unit="ns").start()
    pins = Pins(dut)
    if case["hunt"]:
        found = [await _hunt(dut, pins, case, Mutant(**mutant)) for mutant in case["hunt"]]
        Path(case["result"]).write_text(json.dumps(found))
        return
    bench = _bench(case)
    cycles, difference = await _step(dut, pins, bench, case["transactions"])
    outcome = {
        "transactions": bench.transactions,
        "cycles": cycles,
        "difference": difference,
        "goals": bench.reached,
        "told": bench.told,
    }
    _write_coverage(case["bench"], bench.reached, Path(case["coverage"]))
    Path(case["result"]).write_text(json.dumps(outcome))
    assert difference is None, difference


def _bench(case: dict[str, Any]) -> Any:
    module = import_module(f"simulator.cosim_blocks.{case['bench']}")
    return module.Bench(case["parameters"], Random(case["seed"]), **case["options"])


async def _hunt(dut: Any, pins: "Pins", case: dict[str, Any], mutant: Mutant) -> int | None:
    """Return after how many cycles a planted bug is found out, None if it is not."""
    cocotb.packages.mutants.chosen.value = mutant.number if mutant.where == "rtl" else 0
    with planted_in_model(mutant) if mutant.where == "model" else nullcontext():
        bench = _bench(case)
        may_break = (Exception,) if mutant.where == "model" else ()  # a bug may break the model itself
        cycles, difference = await _step(dut, pins, bench, case["transactions"], may_break)
    return None if difference is None else cycles


class Pins:
    """The twin's ports by name; an input is written when it changes."""

    def __init__(self, dut: Any):
        self._dut, self._handles, self.inputs = dut, dict[str, Any](), dict[str, int]()

    def _handle(self, name: str) -> Any:
        if name not in self._handles:
            self._handles[name] = getattr(self._dut, name)
        return self._handles[name]

    def drive(self, inputs: dict[str, int]) -> None:
        for name, given in inputs.items():
            value = int(given)
            if self.inputs.get(name) != value:
                self._handle(name).value = self.inputs[name] = value

    def read(self, names: Any) -> dict[str, int]:
        return {name: int(self._handle(name).value) for name in names}


async def _step(
    dut: Any, pins: Pins, bench: Any, wanted: int, may_break: tuple[type[Exception], ...] = ()
) -> tuple[int, dict[str, Any] | None]:
    """Run episodes until ``wanted`` transactions or a difference. Returns cycles and the first difference."""
    cycles, episode = 0, 0
    before: deque[dict[str, Any]] = deque(maxlen=SHOWN)
    while bench.transactions < wanted:
        pins.drive({"rst": 1, **bench.begin(episode)})
        await FallingEdge(dut.clk)
        await FallingEdge(dut.clk)
        pins.drive({"rst": 0})
        before.clear()
        for cycle in range(bench.episode_cycles):
            pins.drive(bench.drive(cycle))
            await ReadOnly()
            try:
                model = {name: int(value) for name, value in bench.check(cycle).items()}
            except may_break as error:
                await FallingEdge(dut.clk)
                return cycles + 1, {"raised": repr(error)}
            twin = pins.read(model)
            told = {"cycle": cycle, "inputs": dict(pins.inputs), "model": model, "rtl": twin}
            if model != twin:
                await FallingEdge(dut.clk)
                return cycles + 1, {"episode": episode, "before": list(before), **told}
            before.append(told)
            bench.saw(pins.read(bench.watched))
            cycles += 1
            await FallingEdge(dut.clk)
            if bench.over:
                break
        episode += 1
    return cycles, None


def _write_coverage(name: str, reached: dict[str, int], file: Path) -> None:
    """Write the goals as cocotb-coverage's XML, which its tools merge."""
    from cocotb_coverage.coverage import CoverPoint, coverage_db

    @CoverPoint(f"{name}.goals", bins=list(reached))  # type: ignore[untyped-decorator]
    def sample(goal: str) -> None:
        pass

    for goal, times in reached.items():
        for _ in range(times):
            sample(goal)
    coverage_db.export_to_xml(str(file))
