"""The systolic array behind an ideal memory: cycles against an oracle, and what each rule costs."""

from itertools import pairwise

import numpy as np
import pytest
from block_drivers import Master
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_block_contract import work

from hw_models.ideal.params import IdealMemory
from hw_models.systolic import block as systolic
from hw_models.systolic.build import build
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
        sizes += [b - a for a, b in pairwise(cuts)]
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
    for r, m, c, n, i, k in steps(op):
        loads = {"weights": [op["weights"] + c * op["channels"] + i * n, 1, k * n, 0]}
        loads["inputs"] = [op["src"] + r * op["channels"] + i, m, k, op["channels"]]
        beats = sum(
            b // p.port_bytes for w in loads if loads[w] != before.get(w) for b in bursts(p, *loads[w])
        )
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
@settings(max_examples=300)
def test_cycles_of_a_matrix_product_are_those_of_the_oracle(shape, cut, rows, columns, latency):
    params = array(rows=rows, columns=columns)
    op = gemm(**shape, weights=10_000, dst=20_000) | cut
    assert run(op, params, latency)[0] == oracle(op, params, latency)


def test_one_fold_takes_the_cycles_of_the_published_formula():
    """2 rows + columns + m - 2 (SCALE-Sim: Samajdar et al., ISPASS 2020)."""
    params = array()
    end, record = run(gemm(10, 4, 4), params)
    loaded = 20 - 1 + (10 * 4 + 4 * 4) // 8
    assert record["stall"][0] == loaded
    first_write = loaded + 2 * 4 + 4 + 10 - 2
    assert end == first_write + 40 // 4 - 8 // 4 + 20


convolutions = st.fixed_dictionaries(
    {
        "size": st.tuples(st.integers(3, 9), st.integers(3, 9)),
        "channels": st.integers(1, 9),
        "kernels": st.integers(1, 9),
        "kernel": st.integers(1, 3),
        "stride": st.integers(1, 2),
        "dilation": st.integers(1, 2),
        "pad": st.integers(0, 2),
    }
)


def convolution(size, channels, kernels, kernel, stride, dilation, pad):
    """Return the fields of a convolution and (address, bytes) of what its windows see of the input."""
    reach = (kernel - 1) * dilation + 1
    height, width = size
    out = [max(1, (length + 2 * pad - reach) // stride + 1) for length in size]
    weight_bytes = kernel * kernel * channels * kernels
    op = gemm(1, channels, kernels, src=0, weights=1 << 16, dst=1 << 17) | {
        **{"width": width, "height": height, "src_pixel_stride": channels, "weight_bytes": weight_bytes},
        **{"src_line_stride": width * channels, "kernel_height": kernel, "kernel_width": kernel},
        **{"stride_x": stride, "stride_y": stride, "dilation_x": dilation, "dilation_y": dilation},
        **{"pad_left": pad, "pad_top": pad, "out_height": out[0], "out_width": out[1]},
        **{"dst_pixel_stride": kernels, "dst_line_stride": kernels * out[1]},
    }
    seen = {
        (y, x)
        for j in range(out[0])
        for i in range(out[1])
        for y in range(j * stride - pad, j * stride - pad + reach, dilation)
        for x in range(i * stride - pad, i * stride - pad + reach, dilation)
        if 0 <= y < height and 0 <= x < width
    }
    return op, {(y * width + x) * channels + c for y, x in seen for c in range(channels)}


def bytes_of(log, write):
    return [at + i for at, size, way in log if way == write for i in range(size)]


@given(convolutions, cuts)
@settings(max_examples=100)
def test_a_convolution_reads_what_its_windows_see_and_writes_each_output_once(shape, cut):
    op, seen = convolution(**shape)
    params = array(port="1 B", burst="8 B")
    master = Master(systolic, build(params)[0], ops_of(op | cut), 2)
    work(master, 1, 0)
    read, written = bytes_of(master.log, 0), bytes_of(master.log, 1)
    outputs = op["out_width"] * op["out_height"] * op["kernels"]
    assert sorted(written) == list(range(1 << 17, (1 << 17) + outputs))
    assert seen <= {at for at in read if at < 1 << 16}
    assert {at - (1 << 16) for at in read if at >= 1 << 16} == set(range(op["weight_bytes"]))
    assert max(read) < (1 << 16) + op["weight_bytes"]


@given(convolutions, cuts)
@settings(max_examples=100)
def test_an_operations_cycles_are_those_of_the_array_and_its_waits(shape, cut):
    _, record = run(convolution(**shape)[0] | cut, array())
    assert record["end"] - record["start"] == record["busy_cycles"] + record["stall"].sum()


def test_a_tile_that_the_step_before_has_left_is_not_loaded_again():
    whole = gemm(16, 8, 8, weights=1000, dst=2000)
    kernels_first = run(whole | {"tile_lines": 4, "tile_kernels": 4, "kernels_outside": 1}, array())[1]
    pixels_first = run(whole | {"tile_lines": 4, "tile_kernels": 4, "kernels_outside": 0}, array())[1]
    assert (kernels_first["weight_bytes"], kernels_first["input_bytes"]) == (64, 2 * 16 * 8)
    assert (pixels_first["weight_bytes"], pixels_first["input_bytes"]) == (4 * 64, 16 * 8)


def test_two_operations_do_not_overlap():
    params, timings = array(), IdealMemory().timings(8)
    alone, _ = simulate(params, timings, ops_of(gemm(8, 8, 8)))
    both, records = simulate(params, timings, ops_of(gemm(8, 8, 8), gemm(8, 8, 8)))
    assert both == 2 * alone
    assert records["start"].tolist() == [0, alone]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("port", "12 B", "port 12 B is not a power of two"),
        ("burst", "4 B", "burst 4 B is less than port 8 B"),
        ("inputs", "4 B", "inputs 4 B hold no two tiles of the array; write 8 B or more"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(key, value, told):
    with pytest.raises(ValidationError, match=told):
        array(**{key: value})
