"""Reads from a flash device, as a workload wants them: batches of requests from threads, and long streams.

Examples:
    >>> from hw_models.flash.params import Flash
    >>> reader = Reader(Flash.model_validate({"preset": "m1_max_ssd"}))
    >>> times = reader.batch([0, 16384], [16384, 16384], threads=2)  # ps at which each thread has its data
    >>> end = reader.sequential(0, 2**30, start_ps=int(times.max()))
"""

import numpy as np

from hw_models.flash.build import build
from hw_models.flash.host import host, run_reads
from hw_models.flash.names import Mapping
from hw_models.flash.params import Flash
from hw_models.flash.state import COUNTERS, PERIOD_FS
from hw_models.flash.stream import scratch, stream_reads


class Reader:
    """One device and its host. Time goes on from call to call; all times are integer picoseconds."""

    def __init__(self, params: Flash, master: int = 0):
        self.params = params
        self.master = master
        self.states, self.memory = build(params)
        self._totals, self._pictures = scratch()

    @property
    def counters(self) -> dict[str, int]:
        """Everything that the device counted since it was built; see `state.COUNTERS`."""
        return {name: int(self.states[0][name]) for name in COUNTERS}

    @property
    def period_fs(self) -> int:
        return PERIOD_FS

    def batch(
        self, address, size, thread=None, earliest=None, *, threads: int, start_ps: int = 0
    ) -> np.ndarray:
        """Read ``size`` bytes at each ``address``; return, shape (requests,), when each thread can go on.

        ``thread`` names the thread of each request (in order, one at a time each); without it any free
        thread takes the next. No request starts before its ``earliest``, no thread before ``start_ps``.
        """
        address = np.ascontiguousarray(address, np.int64)
        size = np.ascontiguousarray(size, np.int64)
        shared = thread is None
        zeros = np.zeros(address.size, np.int64)
        thread = zeros if thread is None else np.ascontiguousarray(thread, np.int64)
        earliest = zeros if earliest is None else np.ascontiguousarray(earliest, np.int64)
        submitted, done = np.zeros(address.size, np.int64), np.zeros(address.size, np.int64)
        hosts = host(self.params, threads, shared=shared, start_ps=start_ps)
        run_reads(
            self.states[0], self.memory, hosts, address, size, thread, earliest, self.master, submitted, done
        )
        return done

    def sequential(
        self,
        address: int,
        size: int,
        *,
        start_ps: int = 0,
        chunk: int | None = None,
        depth: int | None = None,
        every_request: bool = False,
    ) -> int:
        """Read ``size`` bytes from ``address`` on in chunks; return when all is there, in ps.

        Whole periods of the steady state are skipped, exactly; ``every_request`` simulates each one.
        """
        chunk = self.params.sequential_chunk_bytes if chunk is None else chunk
        depth = self.params.sequential_depth if depth is None else depth
        whole, rest = divmod(size, chunk)
        end = start_ps
        skip = int(not every_request and self.params.mapping == Mapping.RESIDENT and not self.params.writable)
        if whole:
            end = stream_reads(
                self.states[0],
                self.memory,
                host(self.params, depth, shared=True, start_ps=start_ps),
                self.states.view(np.int64),
                self._totals,
                self._pictures,
                address,
                chunk,
                whole,
                skip,
                self.master,
            )
        if rest:
            end = int(self.batch([address + whole * chunk], [rest], threads=1, start_ps=end)[0])
        return int(end)
