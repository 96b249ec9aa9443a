"""The cocotb side: runs in the simulator's process, steps bench and twin, writes what came of it as JSON."""

import json
import os
from collections import deque
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from simulator.cosim_blocks.blocks import CASE
from simulator.cosim_blocks.planted import plant_in_model

SHOWN = 6  # cycles before the first difference that are told


@cocotb.test()
async def model_and_twin_agree(dut: Any) -> None:
    """Every output of the twin is what the model says, in every cycle."""
    case = json.loads(os.environ[CASE])
    if case["planted"]:
        plant_in_model(case["planted"])
    bench = import_module(f"simulator.cosim_blocks.{case['bench']}").Bench(
        case["parameters"], Random(case["seed"])
    )
    Clock(dut.clk, 2, unit="ns").start()
    may_break = (Exception,) if case["planted"] else ()  # a planted bug may break the model itself
    cycles, difference = await _step(Pins(dut), bench, case["transactions"], dut, may_break)
    outcome = {
        "transactions": bench.transactions,
        "cycles": cycles,
        "difference": difference,
        "goals": _covered(case["bench"], bench.reached, Path(case["coverage"])),
    }
    Path(case["result"]).write_text(json.dumps(outcome))
    assert difference is None, difference


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
    pins: Pins, bench: Any, wanted: int, dut: Any, may_break: tuple[type[Exception], ...]
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
                return cycles + 1, {"raised": repr(error)}
            twin = pins.read(model)
            told = {"cycle": cycle, "inputs": dict(pins.inputs), "model": model, "rtl": twin}
            if model != twin:
                return cycles + 1, {"episode": episode, "before": list(before), **told}
            before.append(told)
            cycles += 1
            await FallingEdge(dut.clk)
        episode += 1
    return cycles, None


def _covered(name: str, reached: dict[str, int], file: Path) -> dict[str, int]:
    """Write the goals as cocotb-coverage's XML, which its tools merge; return how often each was reached."""
    from cocotb_coverage.coverage import CoverPoint, coverage_db

    @CoverPoint(f"{name}.goals", bins=list(reached))  # type: ignore[untyped-decorator]
    def sample(goal: str) -> None:
        pass

    for goal, times in reached.items():
        for _ in range(min(times, 1)):
            sample(goal)
    coverage_db.export_to_xml(str(file))
    return reached
