"""Layers on a core: timed by their arithmetic and their bytes, counted in the summary."""

import pytest

from workloads import lower
from workloads.graph import CoreWork, NetworkBuilder, Shape
from workloads.lowering.costs import COSTS, MAC_CYCLES, TRANSCENDENTAL_CYCLES, compute_cycles
from workloads.lowering.job import options_of
from workloads.lowering.lower import lower_network
from workloads.lowering.target import target_of
from workloads.params import NetworkJob
from workloads.program import Program


def program(builder: NetworkBuilder, simd: int = 1, threads: int = 1) -> Program:
    job = NetworkJob.model_validate({"on": "a", "fallback": "b", "network": "lenet5", "threads": threads})
    return lower_network(builder.finish(), target_of("nv_large"), options_of(job, simd))


def product(macs: int = 1_000_000, weights: int = 4000) -> NetworkBuilder:
    builder = NetworkBuilder("core")
    source = builder.input("x", 32, 4, 4)
    builder.cpu("product", "matmul", [source], Shape(10, 1, 1), work=CoreWork(macs, weights))
    return builder


def layer_cycles(result: Program, name: str) -> int:
    number = next(i for i, layer in enumerate(result.layers) if layer.name == name)
    return int(result.tasks["compute_cycles"][result.tasks["layer"] == number].sum())


def test_a_product_takes_at_least_the_cycles_of_its_macs():
    result = program(product())
    assert layer_cycles(result, "product") >= 1_000_000 * MAC_CYCLES
    assert result.core_macs == 1_000_000


@pytest.mark.parametrize("lanes", [2, 8])
def test_simd_divides_arithmetic(lanes):
    one = compute_cycles("matmul", 0, 32, macs=1_000_000)
    assert compute_cycles("matmul", 0, 32, simd=lanes, macs=1_000_000) == one // lanes
    assert compute_cycles("transpose", 1000, 32, simd=lanes) == compute_cycles("transpose", 1000, 32)


def test_threads_share_products():
    assert (
        layer_cycles(program(product(), threads=4), "product")
        < layer_cycles(program(product()), "product") / 3
    )


def test_transcendental_functions_have_their_cost():
    plain = COSTS["transcendental"].cycles + TRANSCENDENTAL_CYCLES
    assert compute_cycles("transcendental", 1000, 32) == 1000 * plain


def test_weights_of_a_layer_on_a_core_are_read_from_memory():
    with_weights, without = program(product()), program(product(weights=0))
    more = int(with_weights.tasks["read_bytes"].sum() - without.tasks["read_bytes"].sum())
    assert more == 4 * 4000
    assert with_weights.memory.weight_bytes - without.memory.weight_bytes >= 4 * 4000


def test_a_slice_reads_no_more_than_it_writes():
    builder = NetworkBuilder("slice")
    source = builder.input("x", 64, 32, 32)
    builder.cpu("part", "slice", [source], Shape(64, 4, 4))
    result = program(builder)
    number = next(i for i, layer in enumerate(result.layers) if layer.name == "part")
    task = result.tasks[result.tasks["layer"] == number][0]
    assert task["read_bytes"] == task["write_bytes"] == 64 * 16


def test_views_between_layers_on_a_core_convert_nothing():
    builder = NetworkBuilder("views")
    x = builder.cpu("first", "norm", [builder.input("x", 32, 8, 8)], Shape(32, 8, 8))
    seen = builder.view("seen", x, Shape(32, 64, 1), function="pixels")
    builder.cpu("second", "norm", [seen], Shape(32, 64, 1))
    result = program(builder)
    second = next(i for i, layer in enumerate(result.layers) if layer.name == "second")
    assert (result.tasks["layer"] == second).sum() == 1  # no conversion in front of it


def test_the_array_counts_layers_on_a_core_too():
    from hw_models.systolic.params import Systolic

    layers = [
        {"conv": {"input": [8, 8, 16], "kernels": 16, "kernel": 3, "padding": 1}},
        {"deconv": {"kernels": 8, "kernel": 3, "stride": 2}},
    ]
    array = Systolic.model_validate({"kind": "systolic", "clock": "1 GHz"})
    job = NetworkJob.model_validate({"on": "a", "fallback": "b", "layers": layers})
    result = lower(job, array)
    wanted = 16 * 64 * 144 + 16 * 64 * 9 * 8
    assert int(result.ops["macs"].sum()) + result.core_macs == wanted
    assert sum(layer.macs for layer in result.layers) == wanted
    assert result.layers[1].runs_on == "array"
