"""A stand-in for a GPU: the same entries, layout and launches, on the CPU."""

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import llvmlite.binding as ll
import numpy as np
from llvmlite import ir

from simulator.cuda.arguments import CODE, Entry, Gathered
from simulator.cuda.atoms import ALONE
from simulator.cuda.compile import linked
from simulator.cuda.doors import WARP
from simulator.cuda.driver import check

THREADS = 2  # of a block


class Host:
    """What `simulator.cuda.driver.Gpu` is, a point after the other."""

    architecture, name, blocks, warp = "cpu", "this CPU", 2, 1

    def __init__(self, room: int = 1 << 30):
        self._room = room
        self._engines: list[Any] = []
        self._loaded: dict[tuple[Entry | Gathered, ...], dict[str, Any]] = {}

    def room(self) -> int:
        return self._room

    def load(self, entries: Sequence[Entry | Gathered], registers: int = 0) -> dict[str, Any]:
        if tuple(entries) in self._loaded:
            return self._loaded[tuple(entries)]
        ll.initialize_native_target()
        ll.initialize_native_asmprinter()
        machine = ll.Target.from_default_triple().create_target_machine(opt=1)
        module = linked(entries, _call, machine.triple, str(machine.target_data), ALONE)
        missing = {one.name for one in module.functions if one.is_declaration} - {"sched_yield"}
        assert all(name.startswith("llvm.") for name in missing), missing
        engine = ll.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        self._engines.append(engine)
        found = {one.name: (engine.get_function_address(one.name), len(one.arrays)) for one in entries}
        self._loaded[tuple(entries)] = found
        return found

    def zeros(self, size: int) -> np.ndarray:
        return np.zeros(max(size, 8), np.uint8)

    def put(self, array: np.ndarray) -> np.ndarray:
        return np.frombuffer(bytearray(array.tobytes() or bytes(8)), np.uint8)

    def fill(self, place: np.ndarray, start: int, array: np.ndarray) -> None:
        place[start : start + array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)

    def copy(self, place: np.ndarray, start: int, other: int, size: int) -> None:
        place[start : start + size] = place[other : other + size]

    def get(self, place: np.ndarray, array: np.ndarray, start: int = 0) -> np.ndarray:
        array.reshape(-1).view(np.uint8)[:] = place[start : start + array.nbytes]
        return array

    def launch(
        self,
        function: Any,
        points: range,
        codes: np.ndarray,
        arrays: Sequence[tuple[np.ndarray, int]],
        width: int = WARP,
    ) -> None:
        address, count = function
        kinds = [ctypes.c_int64, ctypes.c_void_p, *[ctypes.c_void_p, ctypes.c_int64] * count]
        call = ctypes.CFUNCTYPE(None, *kinds)(address)
        given = [each for place, size in arrays for each in (place.ctypes.data, size)]
        for number in points:
            call(number, codes.ctypes.data, *given)

    def gather(self, function: Any, codes: np.ndarray, arrays: Sequence[tuple[np.ndarray, int]]) -> None:
        address, count = function
        kinds = [ctypes.c_int64, ctypes.c_void_p, *[ctypes.c_void_p, ctypes.c_int64] * (count + 1)]
        call = ctypes.CFUNCTYPE(None, *kinds)(address)
        given = [one for data, size in arrays for one in (data.ctypes.data, size)]
        with ThreadPoolExecutor(THREADS * self.blocks) as threads:  # they run beside each other
            list(
                threads.map(
                    lambda k: call(k % self.blocks, codes.ctypes.data, *given), range(THREADS * self.blocks)
                )
            )

    def wait(self, codes: np.ndarray, points: int) -> None:
        check(self.get(codes, np.empty(points, CODE)))

    def free(self, *places: Any) -> None:
        """Python does."""


def _call(module: Any, entry: Entry, point: Any) -> None:
    """Put down what `Host.launch` enters: (number of the point, codes, data and size of each array)."""
    door = ir.Function(module, point.function_type, entry.name)
    build = ir.IRBuilder(door.append_basic_block())
    build.call(point, door.args)
    build.ret_void()
