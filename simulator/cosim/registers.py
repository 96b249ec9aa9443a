"""Buses to a design's registers, for a cocotb test that programs it: AXI4-Lite, APB, NVDLA's CSB.

All have `read(address)` and `write(address, value)`, 32 bits at byte addresses, and do one access at a time.
They drive behind the rising edge, and see what a cycle has come to at its falling edge.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from cocotb.triggers import FallingEdge, First, ReadOnly, RisingEdge, Timer
from cocotb.utils import get_sim_time

from simulator.cosim.names import find

PATIENCE_CYCLES = 10_000  # of an access, before it is an error
WORD_BYTES = 4


class BusError(Exception):
    """An access that was refused, or not answered."""


class RegisterBus(Protocol):
    clock: Any

    async def read(self, address: int) -> int: ...
    async def write(self, address: int, value: int) -> None: ...


class _Port:
    """Signals behind a prefix, driven and seen once a cycle."""

    def __init__(self, dut: Any, prefix: str, clock: Any, driven: tuple[str, ...]):
        self.dut, self.prefix, self.clock = dut, prefix, clock
        self.handles: dict[str, Any] = {}
        self.drive(dict.fromkeys(driven, 0))

    def signal(self, name: str) -> Any:
        """Return a signal. Raises BusError if the design has none of that name."""
        if name not in self.handles:
            handle = find(self.dut, self.prefix, name)
            if handle is None:
                raise BusError(f"{self.prefix}_{name} is no signal of the design; write another prefix")
            self.handles[name] = handle
        return self.handles[name]

    def drive(self, values: Mapping[str, int]) -> None:
        for name, value in values.items():
            self.signal(name).value = value

    def has(self, name: str) -> bool:
        try:
            self.signal(name)
        except BusError:
            return False
        return True

    async def cycle(self, *names: str) -> list[int]:
        """Return what signals come to in the cycle under way, and go to the edge that ends it."""
        await FallingEdge(self.clock)
        await ReadOnly()
        values = [int(self.signal(name).value) for name in names]
        await RisingEdge(self.clock)
        return values

    async def until(self, name: str, what: str) -> None:
        """Go to the edge at which a signal is 1. Raises BusError when it never is."""
        for _ in range(PATIENCE_CYCLES):
            if (await self.cycle(name))[0]:
                return
        raise BusError(f"{what}: no {self.prefix}_{name} in {PATIENCE_CYCLES} cycles")


class AxiLite:
    """The registers behind an AXI4-Lite port (IHI 0022H, B1)."""

    def __init__(self, dut: Any, prefix: str, clock: Any):
        self.clock = clock
        driven = ("awvalid", "wvalid", "arvalid", "bready", "rready", "awaddr", "wdata", "wstrb", "araddr")
        self.port = _Port(dut, prefix, clock, driven)
        self.port.drive({name: 0 for name in ("awprot", "arprot") if self.port.has(name)})

    async def write(self, address: int, value: int) -> None:
        port, left = self.port, ["awvalid", "wvalid"]
        await RisingEdge(self.clock)
        port.drive({"awvalid": 1, "awaddr": address, "wvalid": 1, "wdata": value, "wstrb": 0xF, "bready": 1})
        for _ in range(PATIENCE_CYCLES):
            ready = dict(zip(("awvalid", "wvalid"), await port.cycle("awready", "wready")))
            port.drive({name: 0 for name in left if ready[name]})
            left = [name for name in left if not ready[name]]
            if not left:
                break
        else:
            raise BusError(f"write of {address:#x}: not taken in {PATIENCE_CYCLES} cycles")
        await self._answer("b", f"write of {address:#x}", "bresp")

    async def read(self, address: int) -> int:
        port = self.port
        await RisingEdge(self.clock)
        port.drive({"arvalid": 1, "araddr": address, "rready": 1})
        await port.until("arready", f"read of {address:#x}")
        port.drive({"arvalid": 0})
        return (await self._answer("r", f"read of {address:#x}", "rresp", "rdata"))[1]

    async def _answer(self, channel: str, what: str, *names: str) -> list[int]:
        for _ in range(PATIENCE_CYCLES):
            valid, *values = await self.port.cycle(f"{channel}valid", *names)
            if valid:
                self.port.drive({f"{channel}ready": 0})
                if values[0] & 0b10:
                    raise BusError(f"{what}: answered with error {values[0]}")
                return values
        raise BusError(f"{what}: not answered in {PATIENCE_CYCLES} cycles")


class Apb:
    """The registers behind an APB port (IHI 0024: a setup cycle, then access cycles until PREADY)."""

    def __init__(self, dut: Any, prefix: str, clock: Any):
        self.clock = clock
        self.port = _Port(dut, prefix, clock, ("psel", "penable", "pwrite", "paddr", "pwdata"))
        self.port.drive({name: 0xF for name in ("pstrb",) if self.port.has(name)})

    async def write(self, address: int, value: int) -> None:
        await self._access(address, {"pwrite": 1, "pwdata": value}, f"write of {address:#x}")

    async def read(self, address: int) -> int:
        return await self._access(address, {"pwrite": 0}, f"read of {address:#x}")

    async def _access(self, address: int, values: Mapping[str, int], what: str) -> int:
        port = self.port
        names = [name for name in ("prdata", "pready", "pslverr") if port.has(name)]
        await RisingEdge(self.clock)
        port.drive({"psel": 1, "paddr": address, **values})
        await port.cycle()
        port.drive({"penable": 1})
        for _ in range(PATIENCE_CYCLES):
            seen = dict(zip(names, await port.cycle(*names)))
            if seen.get("pready", 1):
                port.drive({"psel": 0, "penable": 0})
                if seen.get("pslverr"):
                    raise BusError(f"{what}: answered with an error")
                return seen.get("prdata", 0)
        raise BusError(f"{what}: no pready in {PATIENCE_CYCLES} cycles")


class Csb:
    """NVDLA's configuration space bus (hardware manual, "Configuration space bus"): word addresses."""

    def __init__(self, dut: Any, clock: Any, request: str = "csb2nvdla", answer: str = "nvdla2csb"):
        self.clock = clock
        self.request = _Port(dut, request, clock, ("valid", "addr", "wdat", "write", "nposted"))
        self.answer = _Port(dut, answer, clock, ())

    async def write(self, address: int, value: int) -> None:
        await self._ask({"write": 1, "nposted": 1, "wdat": value}, address)
        await self._answered("wr_complete", f"write of {address:#x}")

    async def read(self, address: int) -> int:
        await self._ask({"write": 0, "nposted": 0}, address)
        return await self._answered("valid", f"read of {address:#x}")

    async def _ask(self, values: Mapping[str, int], address: int) -> None:
        await RisingEdge(self.clock)
        self.request.drive({"valid": 1, "addr": address // WORD_BYTES, **values})
        for _ in range(PATIENCE_CYCLES):
            if (await self.request.cycle("ready"))[0]:
                self.request.drive({"valid": 0})
                return
        raise BusError(f"access of {address:#x}: no ready in {PATIENCE_CYCLES} cycles")

    async def _answered(self, name: str, what: str) -> int:
        for _ in range(PATIENCE_CYCLES):
            there, data = await self.answer.cycle(name, "data")
            if there:
                return data
        raise BusError(f"{what}: not answered in {PATIENCE_CYCLES} cycles")


async def interrupt(signal: Any, clock: Any, cycles: int = 10_000_000) -> None:
    """Return at the edge that ends a cycle in which ``signal`` is 1. Raises BusError after ``cycles``.

    It looks in the middle of a cycle, and only where the signal may have risen since it last did.
    """
    passed, period, before = 0, 0, 0  # cycles, what one takes and when the last was looked at, in steps
    while str(signal.value) != "1":
        if passed >= 2:
            await First(RisingEdge(signal), Timer((cycles - passed) * period or 1, "step"))
        if passed == cycles or (passed >= 2 and str(signal.value) != "1"):
            raise BusError(f"no interrupt {signal._name} in {cycles} cycles")
        await FallingEdge(clock)
        now = int(get_sim_time("step"))
        period = now - before if passed == 1 else period
        passed += 1 if passed < 2 else max(1, (now - before) // period)
        before = now
    await RisingEdge(clock)
