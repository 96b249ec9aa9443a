"""The flash device as a language model's software uses it: batches of reads by threads, and long streams."""

import numpy as np

from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from hw_models.units import FS_PER_S

FS_PER_PS = 1000


class FlashDevice:
    """One device and the host threads in front of it. Times are femtoseconds from the start of the run."""

    def __init__(self, params: Flash, threads: int, *, every_request: bool = False):
        """``every_request``: simulate each request of long streams too, instead of skipping whole periods."""
        self.params, self.threads, self.every_request = params, threads, every_request
        self.reader = Reader(params)
        self.busy_fs = 0

    def read(self, addresses: np.ndarray, sizes: np.ndarray, start_fs: int) -> int:
        """Read the records with all threads, each taking the next one; return when the last is in DRAM."""
        if addresses.size == 0:
            return start_fs
        done = self.reader.batch(addresses, sizes, threads=self.threads, start_ps=_ps(start_fs))
        return self._until(start_fs, int(done.max()))

    def stream(self, address: int, size: int, start_fs: int) -> int:
        """Read ``size`` bytes in order, a few large reads in flight; return when all is in DRAM."""
        if size == 0:
            return start_fs
        end = self.reader.sequential(address, size, start_ps=_ps(start_fs), every_request=self.every_request)
        return self._until(start_fs, end)

    def _until(self, start_fs: int, end_ps: int) -> int:
        end_fs = end_ps * FS_PER_PS
        self.busy_fs += end_fs - start_fs
        return end_fs

    @property
    def requests(self) -> int:
        return self.reader.counters["requests"]

    def counters(self) -> dict[str, int | float]:
        """Return the summary's figures of the device."""
        counted, seconds = self.reader.counters, self.busy_fs / FS_PER_S
        return {
            "requests": counted["requests"],
            "page_reads": counted["page_reads"],
            "read_bytes": counted["read_bytes"],
            "busy_s": seconds,
            "throughput_bytes_per_s": counted["read_bytes"] / seconds if seconds else 0.0,
        }


def _ps(time_fs: int) -> int:
    return -(-time_fs // FS_PER_PS)
