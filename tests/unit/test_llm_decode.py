"""Decoding with llama.cpp on machines of a data sheet: what packed weights and launches take."""

import pytest

from hw_models.roofline.params import Roofline, work_fs
from hw_models.roofline.presets import PRESETS
from simulator.validate import llm_decode
from workloads.llm.dtypes import bits_of
from workloads.llm.model import load_model

CARD = {"memory_bandwidth": "100 GB/s", "peak": {"fp32": "1 TFLOPS", "fp16": "4 TFLOPS"}}


@pytest.fixture(scope="module")
def compared():
    return list(llm_decode.figures())


def test_constants_of_two_machines_give_the_rates_of_the_others(compared):
    errors = {(f.row["gpu"], f.row["kernel"], f.row["rows"]): f.error_percent for f in compared if f.counted}
    cards = [abs(error) for (gpu, *_), error in errors.items() if not gpu.startswith("M")]
    assert len(cards) == 15
    assert max(cards) < 11
    assert sum(cards) / len(cards) < 7
    assert max(abs(error) for (gpu, *_), error in errors.items() if gpu.startswith(("M1 7", "M3"))) < 10
    assert max(map(abs, errors.values())) < 26  # an M1 Max, whose preset has a constant of its own
    assert max(abs(f.error_percent) for f in compared if f.row["gpu"] in ("3090", "M2 Ultra")) < 3


@pytest.mark.parametrize(("preset", "packed", "rate"), [
    ("m1_max.llamacpp", "q4_k_m", 34.49), ("m2_ultra.llamacpp", "q4_k_m", 76.28), ("rtx_4090.llamacpp", "f16", 54.34),
])  # fmt: skip
def test_presets_decode_at_the_rate_of_their_table(preset, packed, rate):
    machine = Roofline.model_validate({"preset": preset})
    ours = 1 / llm_decode.token_s(load_model("llama-3.1-8b"), packed, machine)
    assert ours == pytest.approx(rate, rel=0.09)


def test_unpacking_is_of_small_weights_and_limits_where_it_takes_longest():
    machine = Roofline.model_validate(CARD | {"unpack": 30, "efficiency": {"gemv": 1, "gemm": 1}})
    assert work_fs(machine, "gemv", 500, 10, "fp16", 0) == 500 * 10**4
    assert work_fs(machine, "gemv", 500, 10, "fp16", 1000) == 30 * 1000 * 10**3
    assert work_fs(machine, "gemv", 10**6, 10, "fp16", 1000) == 10**10
    packed, whole = (llm_decode.token_s(load_model("tinyllama-1.1b"), p, machine) for p in ("q4_k_m", "f16"))
    free = machine.model_copy(update={"unpack": 0.0})
    assert whole == llm_decode.token_s(load_model("tinyllama-1.1b"), "f16", free)
    assert packed > llm_decode.token_s(load_model("tinyllama-1.1b"), "q4_k_m", free)


def test_launches_are_added_to_every_block():
    slow = Roofline.model_validate(CARD | {"block_overhead": "1 ms"})
    plain = Roofline.model_validate(CARD)
    times = [llm_decode.token_s(load_model("tinyllama-1.1b"), "f16", machine) for machine in (slow, plain)]
    assert times[0] - times[1] == pytest.approx(22 * 2 * 1e-3)


def test_mixed_format_has_its_own_bits():
    assert bits_of("q4_k_m") == pytest.approx(4.84375)
    assert PRESETS["rtx_4090.llamacpp"].get("unpack") is None
