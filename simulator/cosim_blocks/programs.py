"""A register-level program's launches on a twin, beside the model in every cycle: its cycles by our RTL."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hw_models.nvdla.names import Client
from hw_models.nvdla.op import Unit
from hw_models.nvdla.presets import PRESETS
from simulator.cosim_blocks.blocks import BLOCKS, NV_SMALL_PIPE, NV_SMALL_SDP, Block
from simulator.cosim_blocks.conv_pipe_launches import task_of
from simulator.cosim_blocks.planted import mutants_of
from simulator.cosim_blocks.run import Outcome, run_case
from simulator.cosim_blocks.unit_launches import TASKS
from workloads.traces.program import script_of


class Twin(NamedTuple):
    """Who plays a program: a block, its bench for programs, parameters, and what the bench is told."""

    block: Block
    parameters: dict[str, int]
    options: dict[str, Any]


def _unit(name: str, preset: str, client: Client, parameters: dict[str, int]) -> Twin:
    options = {"preset": preset, "client": int(client)}
    return Twin(BLOCKS[name]._replace(bench="unit_program"), parameters, options)


PDP_LARGE = {"ATOM": 32, "ELEMENTS": 8, "SDP_ELEMENTS": 16, "BURST": 1, "FIFO": 256, "COLUMNS": 128}
TWINS = {  # who plays the launches of a unit, by preset
    "nv_small": {
        Unit.CONV: Twin(BLOCKS["conv_pipe"]._replace(bench="conv_program"), NV_SMALL_PIPE, {}),
        Unit.SDP: _unit("sdp", "nv_small", Client.SDP, NV_SMALL_SDP),
        Unit.PDP: _unit("pdp", "nv_small", Client.PDP, BLOCKS["pdp"].sets[1]),
        Unit.CDP: _unit("cdp", "nv_small", Client.CDP, BLOCKS["cdp"].sets[1]),
    },
    "nv_large": {
        Unit.SDP: _unit(
            *("sdp", "nv_large", Client.SDP),
            {"ATOM": 32, "ELEMENTS": 16, "BURST": 1, "FIFO": 256, "OPERAND_FIFO": 256},
        ),
        Unit.PDP: _unit("pdp", "nv_large", Client.PDP, PDP_LARGE),
        Unit.CDP: _unit("cdp", "nv_large", Client.CDP, {"ATOM": 32, "ELEMENTS": 8, "BURST": 1, "FIFO": 256}),
    },
}


def twin_of(program: Path, preset: str) -> Twin | str:
    """Return the twin that covers all launches of a program, or in words why there is none."""
    if preset not in TWINS:
        return f"no twin has the size of {preset}"
    numbers = dict(PRESETS[preset])
    launches = script_of(program).launches
    units = {launch.unit for launch in launches}
    if len(units) > 1:
        return f"no twin plays programs of {' and '.join(sorted(unit.name for unit in units))}"
    try:
        for launch in launches:
            TASKS.get(launch.unit, task_of)(launch, numbers)
    except ValueError as error:
        return str(error)
    return TWINS[preset][launches[0].unit]


def run_programs(
    twin: Twin, programs: Sequence[Path], latency: tuple[int, int], compiled: bool = True
) -> Outcome:
    """Play programs, one after the other, on their twin behind a memory of this latency [cycles] each way.

    ``told`` of the outcome are each one's cycles from its last launch's enable to its interrupt, up to the
    first difference; ``compiled``: the model as the simulator compiles it, else as plain Python. Raises
    RuntimeError.
    """
    block, planted = twin.block, mutants_of(twin.block.top, twin.block.sources, strict=False)
    files = [str(program.resolve()) for program in programs]
    options = twin.options | {"programs": files, "latency": latency}
    return run_case(
        block, twin.parameters, 1, len(programs), mutants=planted, compiled=compiled, options=options
    )
