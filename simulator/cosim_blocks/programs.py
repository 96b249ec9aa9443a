"""A register-level program's launches on a twin, beside the model in every cycle: its cycles by our RTL."""

from pathlib import Path
from typing import Any, NamedTuple

from hw_models.nvdla.op import Unit
from hw_models.nvdla.presets import PRESETS
from simulator.cosim_blocks.blocks import BLOCKS, NV_SMALL_PIPE, Block
from simulator.cosim_blocks.conv_pipe_launches import task_of
from simulator.cosim_blocks.planted import mutants_of
from simulator.cosim_blocks.run import Outcome, run_case
from workloads.traces.program import script_of

PIPES = {"nv_small": NV_SMALL_PIPE}


class Twin(NamedTuple):
    """Who plays a program: a block, its bench for programs, and its parameters."""

    block: Block
    parameters: dict[str, int]


def twin_of(program: Path, preset: str) -> Twin | str:
    """Return the twin that covers all launches of a program, or in words why there is none."""
    if preset not in PIPES:
        return f"no twin has the size of {preset}"
    numbers = dict(PRESETS[preset])
    try:
        for launch in script_of(program).launches:
            if launch.unit != Unit.CONV:
                return f"no twin plays programs of {launch.unit.name}"
            task_of(launch, numbers)
    except ValueError as error:
        return str(error)
    return Twin(BLOCKS["conv_pipe"]._replace(bench="conv_program"), PIPES[preset])


def run_program(twin: Twin, program: Path, latency: tuple[int, int], compiled: bool = True) -> Outcome:
    """Play a program on its twin behind a memory of this latency [cycles], of reads and of writes.

    ``told`` of the outcome are the cycles from enable to interrupt of each launch; ``compiled``: the model as
    the simulator compiles it, else as plain Python. Raises RuntimeError.
    """
    planted = mutants_of(twin.block.top, twin.block.sources)
    options: dict[str, Any] = {"program": str(program.resolve()), "latency": latency}
    return run_case(twin.block, twin.parameters, 1, 1, mutants=planted, compiled=compiled, options=options)
