"""Systems whose figures follow from bytes and a machine: Hymba, and what eager software copies."""

import pytest

from simulator.validate import llm_based, llm_hymba
from simulator.validate.llm_published import preset
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
