"""Rows over PCIe: packets by loads and lines, three passes of the host where cores collect them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hw_models.roofline.gather import gather_fs, zero_copy
from hw_models.roofline.params import Roofline

MACHINE = Roofline.model_validate(
    {"memory_bandwidth": "900 GB/s", "peak": {"fp32": "14 TFLOPS"}, "host": "1 GB", "link": "15.75 GB/s",
     "packet_overhead": "20 B", "host_bandwidth": "128 GB/s"}
)  # fmt: skip


@given(st.integers(0, 600), st.integers(1, 700), st.booleans())
def test_packets_and_sectors_are_those_of_each_byte(address, size, shifted):
    """Bytes one by one: a load has 128 of them from the row's beginning on, or all of a line of memory."""
    loads = {}
    for byte in range(address, address + size):
        load = byte // 128 if shifted else (byte - address) // 128
        loads.setdefault(load, set()).add(byte)
    sectors = sum(len({byte // 32 for byte in load}) for load in loads.values())
    packets = sum(len({byte // 128 for byte in load}) for load in loads.values())
    assert zero_copy(np.array([address]), size, shifted=shifted) == (sectors, packets)


def test_aligned_rows_reach_the_share_of_the_link_that_headers_leave():
    rows = 512 * np.arange(1000)
    size, peak = 512_000, 15.75e9
    for how in ("zero_copy", "zero_copy_shifted"):
        share = size / (gather_fs(MACHINE, how, rows, 512) * 1e-15) / peak
        assert abs(share - 128 / 148) < 1e-6
    crossing = size / (gather_fs(MACHINE, "zero_copy", rows + 4, 512) * 1e-15) / peak
    assert crossing < 0.7
    shifted = size / (gather_fs(MACHINE, "zero_copy_shifted", rows + 4, 512) * 1e-15) / peak
    assert crossing < shifted < 128 / 148


def test_staged_rows_pass_the_hosts_memory_twice_before_the_copy():
    rows = 512 * np.arange(1000)
    copied = 512_000 * (1 + 20 / 256) / 15.75e9
    assert abs(gather_fs(MACHINE, "staged", rows, 512) * 1e-15 - (2 * 512_000 / 128e9 + copied)) < 1e-12
