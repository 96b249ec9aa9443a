"""Systems whose figures follow from bytes and a machine: Hymba, and what eager software copies."""

import pytest

from hw_models.roofline.kernels import ATTENTION_LAUNCH_S, POINTWISE_LAUNCH_S
from simulator.validate import (
    llm_based,
    llm_chunk,
    llm_hymba,
    llm_predicted,
    llm_prefixes,
    llm_published,
    llm_speculative,
    llm_sublinear,
    llm_traffic,
    llm_training,
)
from simulator.validate.llm_published import Preset, preset
from workloads.llm.cells import cells_of
from workloads.llm.compute import Compute
from workloads.llm.model import load_model
from workloads.llm.plan import make_plan


def test_hymba_is_as_much_smaller_and_faster_as_its_authors_measured():
    errors = {(f.row["model"], f.quantity): f.error_percent for f in llm_hymba.figures() if f.counted}
    assert abs(errors["Hymba-1.5B", "times smaller cache"]) < 2
    assert abs(errors["Hymba-1.5B", "times faster"]) < 15
    assert max(map(abs, errors.values())) < 15
    assert len(errors) == 4


def test_hymbas_preset_runs_at_the_rate_of_the_comparison():
    system = preset("hymba")
    compute = Compute(make_plan(system.job), system.machine)
    assert compute.plan.cells.owner[0, 2, 0] == 1 * 5  # layer 2 reads layer 1's
    assert system.job.batch / system.token_s() == pytest.approx(698, rel=0.02)


def test_eager_software_copies_what_a_layer_stores_and_each_group_as_often_as_it_has_heads():
    system = preset("hymba")
    plan, context = make_plan(system.job), 8000
    eager = Compute(plan, system.machine)
    fused = Compute(plan, system.machine.model_copy(update={"attention": "fused"}))
    cells = cells_of(load_model("hymba-1.5b"), "fp16")
    for layer in (0, 1, 2):
        read, again = (sum(w.read_bytes for _, w in c.attention(layer, 1, context)) for c in (fused, eager))
        stored = int(cells.stored_bytes(context)[layer] - cells.state[layer])
        kept = 128 * int(cells.read_bytes(context)[layer].sum())
        assert again - read == 128 * stored + 5 * kept
        assert (stored == 0) == (layer == 2)


def test_launches_of_eager_blocks_make_based_some_twenty_times_faster():
    """Two times by bytes; a floor of 0.9 ms for each of 72 blocks makes the rest."""
    (figure,) = llm_based.figures()
    assert not figure.counted
    assert abs(figure.error_percent) < 15
    assert 1.5 < llm_based.eager_s("0 us") / llm_based.graph_s() < 3
    assert 72 * 0.9e-3 < llm_based.eager_s() < 72 * 0.9e-3 + llm_based.eager_s("0 us")


def worst(figures, quantity=None, *, counted=True):
    errors = [
        abs(f.error_percent) for f in figures if f.counted == counted and quantity in (None, f.quantity)
    ]
    assert errors
    return max(errors)


def test_chunk_attention_gains_what_its_authors_measured_once_own_tokens_are_counted():
    rows = list(llm_chunk.figures())
    assert worst(rows) < 10
    gains = [f for f in rows if f.quantity == "times faster"]
    assert [f.counted for f in gains] == [True] * 4
    assert 3.0 <= min(f.ours for f in gains if "256" in f.row["model"]) < 3.4
    assert sum(not f.counted for f in rows) == 4 + 2  # constants, batches with other tiles
    assert llm_chunk.kernel_s("chunked", 0, 1024, 32) < llm_chunk.kernel_s("paged", 0, 1024, 32)


def test_duo_attention_decodes_within_five_percent_with_the_copies_and_launches_of_its_code():
    rows = [f for f in llm_published.duo_attention() if f.counted and f.quantity == "ms a token"]
    for model in ("Llama-2-7B", "Llama-3-8B"):
        errors = [abs(f.error_percent) for f in rows if f.row["model"] == model]
        assert sum(errors) / len(errors) < 3


def test_split_attention_adds_a_second_kernel_and_moves_what_streaming_heads_keep():
    system = preset("duo_attention")
    plan, context = make_plan(system.job), 4000
    split = Compute(plan, system.machine)
    fused = Compute(plan, system.machine.model_copy(update={"attention": "fused"}))
    (_, with_copies), (_, without) = split.attention(0, 1, context)[0], fused.attention(0, 1, context)[0]
    moved = (
        24 * 2 * 128 * 2 * (384 + 2 * 256)
    )  # heads, keys and values, width, bytes; all, and the recent twice
    assert with_copies.read_bytes - without.read_bytes == moved
    assert with_copies.write_bytes - without.write_bytes == moved
    launches_fs = 10**15 * (ATTENTION_LAUNCH_S + 7 * POINTWISE_LAUNCH_S)
    copies_fs = 10**15 * 2 * moved / (2039e9 * 0.83)
    assert with_copies.fs - without.fs == pytest.approx(launches_fs + copies_fs, rel=1e-6)
    whole = system.at(context, rules=False)
    assert whole.token_s() == Preset(whole.job, fused.machine).token_s()  # no head keeps only some


def test_thousand_layers_take_48_gb_or_7_in_segments():
    whole, planned = llm_sublinear.figures()
    assert abs(whole.error_percent) < 15
    assert abs(planned.error_percent) < 15
    assert not whole.counted
    assert not planned.counted


def test_bits_that_are_right_are_as_good_as_the_best_in_experts_keys_and_lines():
    rows = list(llm_predicted.figures())
    assert worst(rows, "hits, bits all right") == 0
    for name in ("experts", "keys and values"):
        hits = {f.quantity: f.ours for f in rows if f.row["model"] == name}
        assert hits["hits, LRU"] < hits["hits, 9 of 10 right"] < hits["hits, bits all right"]


def test_prefixes_of_a_public_trace_are_found_as_often_as_computed():
    assert llm_prefixes.hit_rate(1000) == pytest.approx(0.0445, abs=5e-5)
    assert llm_prefixes.hit_rate(5859) == pytest.approx(0.1355, rel=0.01)
    assert llm_prefixes.hit_rate(llm_prefixes.ENDLESS) == pytest.approx(0.3664, abs=5e-5)
    assert sum(map(len, llm_prefixes.requests())) == 288_500


def test_look_ahead_reads_weights_once_a_run():
    read, faster = llm_speculative.figures()
    assert read.counted
    assert read.ours == pytest.approx(1, abs=1e-5)
    assert not faster.counted
    assert abs(faster.error_percent) < 5


def test_cache_saves_what_shared_layers_read_again():
    rows = list(llm_traffic.figures())
    assert worst(rows) < 1
    assert [f.ours >= 90 for f in rows if f.quantity == "% of peak"] == [True]


def test_projections_save_about_a_quarter_to_a_third_of_a_steps_peak():
    rank_of_a_quarter, rank_of_a_half = llm_training.compact()
    assert rank_of_a_half.ours < 27.5 < rank_of_a_quarter.ours
    assert not rank_of_a_half.counted
