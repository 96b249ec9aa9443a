"""The flash device as a language model's software uses it: batches of reads by threads, and long streams."""

import numpy as np

from hw_models.flash.build import build
from hw_models.flash.host import host, run_reads
from hw_models.flash.params import Flash

FS_PER_PS = 1000


class FlashDevice:
    """One device and the host threads in front of it. Times are femtoseconds from the start of the run."""

    def __init__(self, params: Flash, threads: int, master: int = 0):
        self.params, self.threads, self.master = params, threads, master
        self.states, self.memory = build(params)
        self.requests = 0
        self.read_bytes = 0
        self.busy_fs = 0

    def read(self, addresses: np.ndarray, sizes: np.ndarray, start_fs: int) -> int:
        """Read the records with all threads, each taking the next one; return when the last is in DRAM."""
        return self._run(addresses, sizes, self.threads, start_fs)

    def stream(self, address: int, size: int, start_fs: int) -> int:
        """Read ``size`` bytes in order, a few large reads in flight; return when all is in DRAM."""
        chunk = self.params.sequential_chunk_bytes
        offsets = np.arange(0, size, chunk, dtype=np.int64)
        sizes = np.minimum(chunk, size - offsets)
        return self._run(address + offsets, sizes, self.params.sequential_depth, start_fs)

    def _run(self, addresses: np.ndarray, sizes: np.ndarray, threads: int, start_fs: int) -> int:
        if addresses.size == 0:
            return start_fs
        start_ps = -(-start_fs // FS_PER_PS)
        count = addresses.size
        hosts = host(self.params, threads, shared=True, start_ps=start_ps)
        nobody, earliest = np.zeros(count, np.int64), np.full(count, start_ps, np.int64)
        submitted, done = np.empty(count, np.int64), np.empty(count, np.int64)
        end_ps = run_reads(
            self.states[0],
            self.memory,
            hosts,
            addresses,
            sizes,
            nobody,
            earliest,
            self.master,
            submitted,
            done,
        )
        self.requests += count
        self.read_bytes += int(sizes.sum())
        self.busy_fs += int(end_ps) * FS_PER_PS - start_fs
        return int(end_ps) * FS_PER_PS

    def counters(self) -> dict[str, int | float]:
        """Return the summary's figures of the device."""
        seconds = self.busy_fs / 1e15
        return {
            "requests": self.requests,
            "page_reads": int(self.states[0]["page_reads"]),
            "read_bytes": self.read_bytes,
            "busy_s": seconds,
            "throughput_bytes_per_s": self.read_bytes / seconds if seconds else 0.0,
        }
