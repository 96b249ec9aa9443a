"""NVIDIA's driver: memory of a GPU, and launches. All of `cuda-bindings` that dlasim uses is here."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hw_models.errors import ConfigError
from simulator.cuda.arguments import CODE, Entry, Gathered
from simulator.cuda.compile import ptx_of
from simulator.cuda.doors import WARP

KEY = "--device"
EXTRA = "cuda-bindings is not installed; pip install 'dlasim[cuda]'"
SPARE = 1 << 30  # bytes of a GPU's memory that are left alone
BLOCK = 32  # threads: a warp, so that all multiprocessors have some
STREAMS = 16  # launches that may run beside each other


def driver() -> Any:
    """Return the bindings of the driver. Raises ConfigError without the extra."""
    try:
        from cuda.bindings import driver
    except ImportError:
        raise ConfigError(EXTRA, key=KEY) from None
    return driver


def ask(function: Any, *arguments: Any) -> Any:
    """Call the driver and return what it says. Raises ConfigError when it refuses."""
    code, *said = function(*arguments)
    if code.value != 0:
        raise ConfigError(f"the GPU's driver refuses {function.__name__}: {code.name}", key=KEY)
    return said[0] if said else None


def count_gpus() -> int:
    """Return how many GPUs there are. Raises ConfigError where there is none, or no driver."""
    cuda = driver()
    try:
        code = cuda.cuInit(0)[0].name
        count = ask(cuda.cuDeviceGetCount) if code == "CUDA_SUCCESS" else 0
    except RuntimeError:  # there is no library of the driver
        code, count = "no driver", 0
    if count == 0:
        raise ConfigError(f"no GPU of NVIDIA's is found here ({code}); write --device cpu", key=KEY)
    return int(count)


class Gpu:
    """One GPU. Arrays stay in its memory until `free`."""

    warp = WARP

    def __init__(self, number: int = 0):
        self._cuda = cuda = driver()
        ask(cuda.cuInit, 0)
        self._device = ask(cuda.cuDeviceGet, number)
        self._context = ask(cuda.cuDevicePrimaryCtxRetain, self._device)
        ask(cuda.cuCtxSetCurrent, self._context)
        kind = cuda.CUdevice_attribute
        self.architecture = "sm_{}{}".format(
            *(
                ask(cuda.cuDeviceGetAttribute, which, self._device)
                for which in (
                    kind.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                    kind.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
                )
            )
        )
        self.blocks = ask(
            cuda.cuDeviceGetAttribute, kind.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, self._device
        )
        self.name = ask(cuda.cuDeviceGetName, 128, self._device).split(b"\0")[0].decode()
        self._held: list[Any] = []
        self._streams = [ask(cuda.cuStreamCreate, 0) for _ in range(STREAMS)]

    def room(self) -> int:
        """Return how many bytes points may take."""
        return max(0, int(ask(self._cuda.cuMemGetInfo)) - SPARE)

    def load(self, entries: Sequence[Entry | Gathered], registers: int = 0) -> dict[str, Any]:
        """Return the entries, ready to be launched; ``registers``: a thread's, at most, if not 0."""
        cuda, ptx = self._cuda, ptx_of(tuple(entries), self.architecture).encode() + b"\0"
        options = {cuda.CUjit_option.CU_JIT_MAX_REGISTERS: registers} if registers else {}
        module = ask(cuda.cuModuleLoadDataEx, ptx, len(options), list(options), list(options.values()))
        return {e.name: ask(cuda.cuModuleGetFunction, module, e.name.encode()) for e in entries}

    def zeros(self, size: int) -> Any:
        """Return ``size`` zero bytes."""
        place = ask(self._cuda.cuMemAlloc, max(size, 8))
        self._held.append(place)
        ask(self._cuda.cuMemsetD8, place, 0, max(size, 8))
        return place

    def put(self, array: np.ndarray) -> Any:
        """Return a copy of ``array``."""
        array = np.ascontiguousarray(array)
        place = ask(self._cuda.cuMemAlloc, max(array.nbytes, 8))
        self._held.append(place)
        if array.nbytes:
            ask(self._cuda.cuMemcpyHtoD, place, array.ctypes.data, array.nbytes)
        return place

    def fill(self, place: Any, start: int, array: np.ndarray) -> None:
        """Put ``array`` down ``start`` bytes behind ``place``."""
        array = np.ascontiguousarray(array)
        if array.nbytes:
            ask(self._cuda.cuMemcpyHtoD, int(place) + start, array.ctypes.data, array.nbytes)

    def copy(self, place: Any, start: int, other: int, size: int) -> None:
        """Put down ``start`` bytes behind ``place`` what lies ``other`` bytes behind it."""
        if size:
            ask(self._cuda.cuMemcpyDtoD, int(place) + start, int(place) + other, size)

    def get(self, place: Any, array: np.ndarray, start: int = 0) -> np.ndarray:
        """Fill ``array`` with what lies ``start`` bytes behind ``place``."""
        if array.nbytes:
            ask(self._cuda.cuMemcpyDtoH, array.ctypes.data, int(place) + start, array.nbytes)
        return array

    def launch(
        self, function: Any, points: range, codes: Any, arrays: Sequence[tuple[Any, int]], width: int = WARP
    ) -> None:
        """Begin ``points``, ``width`` threads of each warp at work, beside whatever runs."""
        given = [points.start, points.stop, width, int(codes)]
        for place, size in arrays:
            given += [int(place), size]
        self._launch(function, -(-len(points) // (width * (BLOCK // WARP))), BLOCK, given)

    def gather(self, function: Any, codes: Any, arrays: Sequence[tuple[Any, int]]) -> None:
        """Begin what waits in queues, the last of ``arrays``: a block of threads on each multiprocessor."""
        most = self._cuda.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK
        threads = ask(self._cuda.cuFuncGetAttribute, most, function) // WARP * WARP
        given = [int(codes)]
        for place, size in arrays:
            given += [int(place), size]
        self._launch(function, self.blocks, threads, given)

    def _launch(self, function: Any, blocks: int, threads: int, given: list[int]) -> None:
        values = np.array(given, np.uint64)
        each = np.array([values.ctypes.data + 8 * k for k in range(values.size)], np.uint64)
        self._streams.append(self._streams.pop(0))
        ask(
            self._cuda.cuLaunchKernel,
            *(function, blocks, 1, 1, threads, 1, 1, 0, self._streams[0], each.ctypes.data, 0),
        )

    def wait(self, codes: Any, points: int) -> None:
        """Wait for all that runs. Raises RuntimeError if the kernel of one of the points has raised."""
        ask(self._cuda.cuCtxSynchronize)
        check(self.get(codes, np.empty(points, CODE)))

    def free(self, *places: Any) -> None:
        """Give memory back, all of it when nothing is named."""
        for place in places or tuple(self._held):
            ask(self._cuda.cuMemFree, place)
            self._held.remove(place)


def check(codes: np.ndarray) -> None:
    """Raise RuntimeError if a point has not ended well."""
    if codes.any():
        raise RuntimeError(f"the kernel of {np.count_nonzero(codes)} of {codes.size} points raised")
