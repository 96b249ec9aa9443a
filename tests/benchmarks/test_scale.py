"""Simulated requests a second of larger SoCs, each as a ratio to the smallest one in the same process: one of its own.

`pytest tests/benchmarks/test_scale.py --benchmark-only -o addopts= -s`; `scale.py` has all sizes, and the plot.
"""

import pytest
from scale import BASE, Size, apart


@pytest.mark.benchmark(group="scale")
@pytest.mark.parametrize(
    "size",
    [Size(masters=16), Size(masters=64), Size(masters=8, channels=16), Size(masters=8, llc_kib=32 * 1024)],
    ids=str,
)
def test_requests_a_second(benchmark, size):
    told = benchmark.pedantic(apart, (size, 1, "50 us"), rounds=1)
    benchmark.extra_info.update(told)
    print(
        f"\n{size}: {told['requests_per_s']:,.0f} requests/s, {told['to_base']:.2f} of {BASE}; "
        f"arrays {told['arrays_mib']:.0f} MiB, most memory {told['peak_mib']:.0f} MiB"
    )
    assert told["requests"] > told["base_requests"]
