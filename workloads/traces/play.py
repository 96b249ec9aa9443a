"""A register-level program played on memory contents: values only, in the order of its commands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hw_models.nvdla.launch import is_on
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.execute import Executor
from hw_models.nvdla.values.memory import Memory
from workloads.traces.commands import Check, Load
from workloads.traces.images import load_image
from workloads.traces.program import Script, apply


class Compared(NamedTuple):
    """One check of memory."""

    address: int
    size: int
    reference: int  # CRC
    ours: int


@dataclass
class Outcome:
    memory: Memory
    checks: list[Compared] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # files that were not there
    lacks_y: bool = False  # the program uses SDP's Y unit or its tables, and the accelerator has none


def play(script: Script, preset: Mapping[str, int], missing_is_error: bool = True) -> Outcome:
    """Return what a program leaves in memory, and its checks. Raises ConfigError."""
    outcome = Outcome(Memory())
    executor = Executor(preset, outcome.memory)
    outcome.lacks_y = any(
        "SDP" in launch.units and _lacks(launch["SDP"], preset) for launch in script.launches
    )
    ready = iter(zip(script.at, script.launches))
    following = next(ready, None)
    for number, command in enumerate(script.commands):
        if isinstance(command, Load) and not command.file.is_file():
            outcome.missing.append(command.file.name)
        apply(command, outcome.memory, missing_is_error)
        while following is not None and following[0] == number:
            executor.run(following[1])
            following = next(ready, None)
        if isinstance(command, Check) and (reference := _reference(command)) is not None:
            ours = outcome.memory.crc32(command.address, command.size)
            outcome.checks.append(Compared(command.address, command.size, reference, ours))
    return outcome


def _lacks(sdp: Settings, preset: Mapping[str, int]) -> bool:
    """Tell whether an operation asks for a Y unit, or its tables, that the accelerator has not."""
    asks = is_on(sdp, "y")
    return asks and (not preset["sdp_ew_elements"] or (not preset["lut"] and not sdp["EW_LUT_BYPASS"]))


def _reference(check: Check) -> int | None:
    """Return the CRC that a check asks for, of its file if it names one that is there."""
    if check.file is None or not check.file.is_file():
        return check.crc
    expected = Memory()
    load_image(expected, check.file, check.address, check.size)
    return expected.crc32(check.address, check.size)
