"""The systolic array behind an ideal memory: cycles against an oracle, and what each rule costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hw_models.ideal.params import IdealMemory
from hw_models.systolic.op import OP, gemm
from hw_models.systolic.params import Systolic
from hw_models.systolic.standalone import simulate

SMALL = {"kind": "systolic", "rows": 4, "columns": 4, "port": "8 B", "burst": "32 B", "clock": "1 GHz"}


def array(**values):
    return Systolic.model_validate(SMALL | values)


def ops_of(*rows):
    ops = np.zeros(len(rows), OP)
    for op, row in zip(ops, rows):
        for name, value in row.items():
            op[name] = value
    return ops


def run(op, params, latency=20):
    timings = IdealMemory.model_validate({"latency": f"{latency} cycles"}).timings(params.port_bytes)
    end, records = simulate(params, timings, ops_of(op))
    return end, records[0]


def bursts(p, address, runs, run, stride):
    """Return the bytes of every burst of ``runs`` runs of ``run`` bytes."""
    if run == stride:
        run, runs = run * runs, 1
    sizes = []
    for i in range(runs):
        at = (address + i * stride) // p.port_bytes * p.port_bytes
        end = -(-(address + i * stride + run) // p.port_bytes) * p.port_bytes
        cuts = [at, *range((at // p.burst_bytes + 1) * p.burst_bytes, end, p.burst_bytes), end]
        sizes += [b - a for a, b in zip(cuts, cuts[1:])]
    return sizes


def steps(op):
    """Yield (first row, rows, first kernel, kernels, first channel, channels) in the order of the loop nest."""
    m, n, k = op["out_height"], op["kernels"], op["channels"]
    rows = [(i, min(op["tile_lines"], m - i)) for i in range(0, m, op["tile_lines"])]
    kernels = [(i, min(op["tile_kernels"], n - i)) for i in range(0, n, op["tile_kernels"])]
    outputs = [(r, c) for c in kernels for r in rows]
    if not op["kernels_outside"]:
        outputs = [(r, c) for r in rows for c in kernels]
    for row, kernel in outputs:
        for i in range(0, k, op["tile_channels"]):
            yield *row, *kernel, i, min(op["tile_channels"], k - i)


def oracle(op, p, latency):
    """Return the cycles of a matrix product: loads two steps ahead, one array, stores two tiles behind."""
    bus = free = write = end = 0
    computed, stored, before = [0, 0], [0, 0], {}
    for step, (r, m, c, n, i, k) in enumerate(steps(op)):
        loads = {"weights": [op["weights"] + c * op["channels"] + i * n, 1, k * n, 0]}
        loads["inputs"] = [op["src"] + r * op["channels"] + i, m, k, op["channels"]]
        beats = sum(b // p.port_bytes for w in loads if loads[w] != before.get(w) for b in bursts(p, *loads[w]))
        bus = max(bus, computed[-2] + latency - 1) + beats if beats else max(bus, computed[-2])
        start = max(free, bus, stored[-2] if i == 0 else 0)
        free = start + p.rows + (-(-k // p.rows) * -(-n // p.columns) - 1) * max(m, p.rows) + m
        computed, before = [*computed, free], loads
        if i + k == op["channels"]:
            write = max(write, free + p.rows + p.columns - 2)
            for size in bursts(p, op["dst"] + r * op["kernels"] + c, m, n, op["kernels"]):
                end = write + size // p.port_bytes - 1 + latency
                write += max(size // p.port_bytes, -(-size // p.columns))
            stored = [*stored, write]
    return end


shapes = st.fixed_dictionaries(
    {"m": st.integers(1, 40), "k": st.integers(1, 40), "n": st.integers(1, 40), "src": st.integers(0, 70)}
)
cuts = st.fixed_dictionaries(
    {
        "tile_lines": st.integers(1, 40),
        "tile_kernels": st.integers(1, 40),
        "tile_channels": st.integers(1, 40),
        "kernels_outside": st.integers(0, 1),
    }
)
sizes = st.sampled_from([1, 2, 4, 7])


@given(shapes, cuts, sizes, sizes, st.integers(1, 50))
@settings(max_examples=300, deadline=None)
def test_cycles_of_a_matrix_product_are_those_of_the_oracle(shape, cut, rows, columns, latency):
    params = array(rows=rows, columns=columns)
    op = gemm(**shape, weights=10_000, dst=20_000) | cut
    assert run(op, params, latency)[0] == oracle(op, params, latency)


def test_one_fold_takes_the_cycles_of_the_published_formula():
    """2 rows + columns + m - 2 (Samajdar et al., ISPASS 2020, equation 1, weight stationary)."""
    params = array()
    end, record = run(gemm(10, 4, 4), params)
    loaded = 20 - 1 + (10 * 4 + 4 * 4) // 8
    assert record["stall"][0] == loaded
    first_write = loaded + 2 * 4 + 4 + 10 - 2
    assert end == first_write + 40 // 4 - 8 // 4 + 20
