"""A register-level program's launches on a twin, beside the model in every cycle: its cycles by our RTL."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hw_models.nvdla.launch import Launch
from hw_models.nvdla.names import Client
from hw_models.nvdla.op import Unit
from hw_models.nvdla.post_state import SDP_CLIENTS
from hw_models.nvdla.presets import PRESETS
from simulator.cosim_blocks.blocks import BLOCKS, NV_LARGE_PIPE, NV_SMALL_PIPE, NV_SMALL_SDP, Block
from simulator.cosim_blocks.conv_pipe_launches import task_of
from simulator.cosim_blocks.planted import mutants_of
from simulator.cosim_blocks.run import Outcome, run_case
from simulator.cosim_blocks.unit_launches import told_of
from workloads.traces.program import script_of


class Twin(NamedTuple):
    """Who plays a program: a block, its bench for programs, parameters, and what the bench is told."""

    block: Block
    parameters: dict[str, int]
    options: dict[str, Any]


SDP, PDP, CDP = int(Client.SDP), int(Client.PDP), int(Client.CDP)
SIDES: dict[str, tuple[Sequence[int], Sequence[int], Sequence[str]]] = {  # readers, writers, inputs at rest
    "sdp": (SDP_CLIENTS, (SDP,), ("table_write", "cacc_valid")),
    "pdp": ((PDP,), (PDP,), ("sdp_valid",)),
    "cdp": ((CDP,), (CDP,), ("table_write",)),
    "sdp_pdp": ((*SDP_CLIENTS, PDP), (SDP, PDP), ("table_write",)),
}


def _unit(name: str, preset: str, parameters: dict[str, int]) -> Twin:
    readers, writers, rests = SIDES[name]
    options = {"preset": preset, "readers": readers, "writers": writers, "rests": rests}
    return Twin(BLOCKS[name]._replace(bench="unit_program"), parameters, options)


PDP_LARGE = {"ATOM": 32, "ELEMENTS": 8, "SDP_ELEMENTS": 16, "BURST": 1, "FIFO": 256, "COLUMNS": 128}
SDP_LARGE = {"ATOM": 32, "ELEMENTS": 16, "BURST": 1, "FIFO": 256, "OPERAND_FIFO": 256}
POOLED = "SDP to PDP"
CONV_PROGRAM = BLOCKS["conv_pipe"]._replace(bench="conv_program")
TWINS: dict[str, dict[Unit | str, Twin]] = {  # who plays the launches of a unit, by preset
    "nv_small": {
        Unit.CONV: Twin(CONV_PROGRAM, NV_SMALL_PIPE, {}),
        Unit.SDP: _unit("sdp", "nv_small", NV_SMALL_SDP),
        Unit.PDP: _unit("pdp", "nv_small", BLOCKS["pdp"].sets[1]),
        Unit.CDP: _unit("cdp", "nv_small", BLOCKS["cdp"].sets[1]),
        POOLED: _unit("sdp_pdp", "nv_small", BLOCKS["sdp_pdp"].sets[1]),
    },
    "nv_large": {
        Unit.CONV: Twin(CONV_PROGRAM, NV_LARGE_PIPE, {"preset": "nv_large"}),
        Unit.SDP: _unit("sdp", "nv_large", SDP_LARGE),
        Unit.PDP: _unit("pdp", "nv_large", PDP_LARGE),
        Unit.CDP: _unit("cdp", "nv_large", {"ATOM": 32, "ELEMENTS": 8, "BURST": 1, "FIFO": 256}),
    },
}


def _kind(launch: Launch) -> Unit | str:
    return POOLED if launch.unit == Unit.SDP and "PDP" in launch.units else launch.unit


def twin_of(program: Path, preset: str) -> Twin | str:
    """Return the twin that covers all launches of a program, or in words why there is none."""
    if preset not in TWINS:
        return f"no twin has the size of {preset}"
    numbers = dict(PRESETS[preset])
    launches = script_of(program).launches
    kinds = {_kind(launch) for launch in launches}
    names = sorted(kind.name if isinstance(kind, Unit) else kind for kind in kinds)
    if len(kinds) > 1:
        return f"no twin plays programs of {' and '.join(names)}"
    try:
        for launch in launches:
            (task_of if launch.unit == Unit.CONV else told_of)(launch, numbers)
    except ValueError as error:
        return str(error)
    return TWINS[preset].get(kinds.pop(), f"no twin of {names[0]} has the size of {preset}")


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
