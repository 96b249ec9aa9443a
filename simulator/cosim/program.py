"""NVDLA's register programs (.cfg, .txn) on RTL: the file that runs on the model drives a design by CSB."""

import zlib
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from hw_models.errors import ConfigError
from hw_models.nvdla.registers import BASES, registers
from hw_models.nvdla.values.memory import Memory
from simulator.cosim.registers import BusError, RegisterBus, interrupt
from workloads.traces.commands import Check, Notify, Poll, Write
from workloads.traces.images import load_image
from workloads.traces.play import Compared
from workloads.traces.program import apply, read_program
from workloads.traces.txn import LAYOUT

POLLS = 1_000_000  # reads of a register before it is an error


class Bytes(Protocol):
    """Memory behind the design, such as `simulator.cosim.Memory`."""

    def read(self, address: int, size: int) -> Any: ...
    def write(self, address: int, data: Any) -> None: ...


class _Contents:
    """The design's memory, as commands of a program want it."""

    def __init__(self, memory: Bytes):
        self.memory = memory

    def read(self, address: int, size: int) -> np.ndarray:
        return np.frombuffer(bytes(self.memory.read(address, size)), np.uint8).copy()

    def write(self, address: int, data: np.ndarray) -> None:
        self.memory.write(address, np.ascontiguousarray(data).tobytes())

    def holds(self, address: int, size: int) -> bool:
        return True


class NvdlaProgram:
    """A register program that `run` plays on a design.

    ``layout``: where the units lie behind the bus, small (nv_small, nv_large) or full; a .txn is of full.
    Raises ConfigError for a program that cannot be read.
    """

    def __init__(self, path: str | Path, layout: str = "small"):
        self.path = Path(path)
        self.commands = read_program(self.path)
        self.bases = BASES[LAYOUT if self.path.suffix.lower() == ".txn" else layout]
        self.came: dict[str, int] = {}  # interrupts that nobody has waited for yet, by UNIT_GROUP

    def address(self, unit: str, register: str) -> int:
        return self.bases[unit] + registers()[unit, register].offset

    async def run(self, bus: RegisterBus, irq: Any, memory: Bytes) -> list[Compared]:
        """Do what the program says; return what its checks found. Raises BusError where the design hangs."""
        contents = cast(Memory, _Contents(memory))
        checks: list[Compared] = []
        for command in self.commands:
            if isinstance(command, Write):
                await bus.write(self.address(command.unit, command.register), command.value)
            elif isinstance(command, Poll):
                await self._poll(bus, command)
            elif isinstance(command, Notify):
                await self._notified(bus, irq, command)
            elif isinstance(command, Check):
                reference = _reference(command)
                if reference is not None:
                    found = zlib.crc32(contents.read(command.address, command.size).tobytes())
                    checks.append(Compared(command.address, command.size, reference, found))
            else:
                apply(command, contents)
        return checks

    async def _poll(self, bus: RegisterBus, poll: Poll) -> None:
        address, value = self.address(poll.unit, poll.register), 0
        for _ in range(POLLS):
            value = await bus.read(address)
            if value & poll.mask == poll.value & poll.mask:
                return
        raise BusError(
            f"{self.path}:{poll.line}: {poll.unit}.{poll.register} is {value:#x}, never {poll.value:#x}"
        )

    async def _notified(self, bus: RegisterBus, irq: Any, notify: Notify) -> None:
        """Wait for a unit's interrupt, or any; take all that have come, and keep the others for later."""
        while not (self.came.get(notify.source, 0) if notify.source else sum(self.came.values())):
            try:
                await interrupt(irq, bus.clock)
            except BusError as error:
                raise BusError(
                    f"{self.path}:{notify.line}: {error}, of {notify.source or 'any unit'}"
                ) from None
            address = self.address("GLB", "S_INTR_STATUS")
            status = await bus.read(address)
            await bus.write(address, status)
            for field in registers()["GLB", "S_INTR_STATUS"].fields:
                if status >> field.low_bit & 1:
                    name = field.name.replace("_DONE_STATUS", "_")
                    self.came[name] = self.came.get(name, 0) + 1
        if notify.source:
            self.came[notify.source] -= 1
        else:
            self.came.clear()


def _reference(check: Check) -> int | None:
    """Return the CRC that a check asks for, of its file if it names one. Raises ConfigError."""
    if check.file is None:
        return check.crc
    if not check.file.is_file():
        raise ConfigError("no such file; a check compares with it", file=check.file)
    expected = Memory()
    load_image(expected, check.file, check.address, check.size)
    return expected.crc32(check.address, check.size)
