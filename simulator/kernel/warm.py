"""Compile the kernels on two cores: while the caller compiles, a second process does the memory side.

Both write to numba's cache on disk, where each looks before it compiles; `python -m simulator.kernel.warm`
is the second process.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from hw_models.jit import numba, prepare
from hw_models.kernel_cache import folder_of
from simulator.kernel import soc
from simulator.under_way import PROCESSES

PATIENCE_S = 60  # for the second process to end once the caller has all it needs


def is_cold() -> bool:
    """Tell whether the event loop has never been compiled from these sources, and can be kept."""
    if numba.config.DISABLE_JIT:
        return False
    try:
        folder = folder_of(Path(soc.__file__))
    except RuntimeError:  # no home
        return False
    return os.access(folder, os.W_OK) and not any(folder.glob("soc.run-*.nbc"))


@contextmanager
def second_compiler() -> Iterator[None]:
    """Let a second process compile the memory side meanwhile, if the cache is cold."""
    helper = None
    if is_cold():
        command = [sys.executable, "-m", "simulator.kernel.warm"]
        with suppress(OSError):
            helper = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            PROCESSES.add(helper)
    try:
        yield
    finally:
        if helper is not None:
            helper.terminate()
            helper.wait(PATIENCE_S)
            PROCESSES.discard(helper)


def compile_memory_side() -> None:
    """Compile interconnect, LLC and DRAM for the types that the event loop calls them with."""
    from hw_models.cache import block as cache
    from hw_models.cache.replacement import SET
    from hw_models.cache.state import CACHE
    from hw_models.dram import block as controller
    from hw_models.dram.state import CHANNEL
    from hw_models.interconnect import block as bus
    from hw_models.interconnect.state import INTERCONNECT
    from hw_models.port import REQUEST, WIRING

    record, index = numba.from_dtype, numba.int64
    request, wires, fifo = record(REQUEST), record(WIRING), record(WIRING["fifo"].base)
    state, llc, channel = record(INTERCONNECT), record(CACHE), record(CHANNEL)
    sets = numba.typeof(np.zeros(1, SET))
    prepare(bus.accept, (state, request, index, index))
    prepare(bus.advance, (state, index, wires, index, index))
    prepare(bus.respond, (state, request, index, wires, index))
    prepare(cache.accept, (llc, sets, request, index))
    prepare(cache.advance, (llc, sets, index, wires, index, index))
    prepare(cache.respond, (llc, sets, request, index))
    prepare(controller.accept, (channel, request, index))
    prepare(controller.advance, (channel, index, fifo))


if __name__ == "__main__":
    compile_memory_side()
