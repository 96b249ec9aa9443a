"""What the simulator calls by itself: at every rising edge of a signal, and when signals may be written.

A task that awaits each edge, and a write by cocotb's scheduler, cost thrice as much. With another cocotb than
2.1, whose inside is another, it is those that do it.
"""

from collections.abc import Callable
from typing import Any

from cocotb import handle as handles
from cocotb import simulator
from cocotb.triggers import Event, ReadWrite, RisingEdge

try:
    from cocotb import _event_loop as loop
    from cocotb import _gpi_triggers as triggers

    CAN_CALL = hasattr(triggers, "_current_gpi_trigger") and hasattr(loop, "_inst")
except ImportError:
    CAN_CALL = False

READ_WRITE, DEPOSIT = ReadWrite(), 0  # as cocotb's C part numbers what a write is
NUMBER_BITS = 32  # that it writes as a number
LOGIC = tuple(
    getattr(handles, name)
    for name in ("LogicObject", "LogicArrayObject", "PackedObject")
    if hasattr(handles, name)
)


async def every_rise(signal: Any, function: Callable[[], bool]) -> None:
    """Call ``function`` at every rising edge of ``signal``, until it returns False. Raises what it raises."""
    if CAN_CALL:
        await _Edges(signal, function).until_the_end()
        return
    edge, goes_on = RisingEdge(signal), True
    while goes_on:
        await edge
        goes_on = function()


class Writer:
    """Deposits numbers in signals, in the phase in which cocotb would."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[int, Any], None], Any]] = []
        self.call: Any = None

    def of(self, signal: Any) -> Callable[[int], None]:
        """Return what deposits a number in ``signal``."""
        if not CAN_CALL or not isinstance(signal, LOGIC):
            return lambda value: setattr(signal, "value", value)
        bits, handle = len(signal), signal._handle
        mask, digits = (1 << bits) - 1, f"0{bits}b"
        if bits <= NUMBER_BITS:
            return lambda value: self._deposit(handle.set_signal_val_int, value & mask)
        return lambda value: self._deposit(handle.set_signal_val_binstr, format(value & mask, digits))

    def forget(self) -> None:
        """Drop what waits: the test has ended."""
        if self.waiting:
            self.call.deregister()
            self.waiting.clear()

    def _deposit(self, put: Callable[[int, Any], None], value: Any) -> None:
        if not self.waiting:
            self.call = simulator.register_rwsynch_callback(self._write)
        self.waiting.append((put, value))

    def _write(self) -> None:
        triggers._current_gpi_trigger = READ_WRITE
        for put, value in self.waiting:
            put(DEPOSIT, value)
        self.waiting.clear()


class _Edges:
    """Has a function called at rising edges; what cocotb knows of where it stands is kept right."""

    def __init__(self, signal: Any, function: Callable[[], bool]):
        self.trigger, self.handle, self.function = RisingEdge(signal), signal._handle, function
        self.end = Event()
        self.error: BaseException | None = None
        self.next: Any = None

    async def until_the_end(self) -> None:
        self._await_next()
        try:
            await self.end.wait()
        finally:
            if self.next is not None:  # the test has ended
                self.next.deregister()
        if self.error is not None:
            raise self.error

    def _await_next(self) -> None:
        self.next = simulator.register_value_change_callback(self.handle, self._at_edge, simulator.RISING)

    def _at_edge(self) -> None:
        triggers._current_gpi_trigger = self.trigger
        self.next = None
        try:
            if self.function():
                self._await_next()
                return
        except BaseException as error:  # goes on in the task
            self.error = error
        self.end.set()
        loop._inst.run()
