"""A training step: bytes and times against what a person would add up."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_helpers import TINY

import simulator
from hw_models.errors import ConfigError
from hw_models.roofline.params import Roofline
from simulator.report.run_data import run_data
from simulator.report.write import write_run
from simulator.validate.llm_training import figures
from workloads.llm.model import load_model
from workloads.llm.train_params import TrainJob
from workloads.llm.training import layer_values, step_of
from workloads.llm.training_memory import lifetimes, memory_plan

CARD = {"memory_bandwidth": "1 TB/s", "peak": {"bf16": "100 TFLOPS"}, "efficiency": {"gemm": 0.5}}
HOST = CARD | {"host": "10 GB", "link": "10 GB/s"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny")
    (path / "config.json").write_text(json.dumps(TINY))
    return str(path)


def step(folder, machine=CARD, sequence=512, cards=1, **job):
    train = {"sequence": sequence, "sequences": 2, "cards": cards}
    job = TrainJob.model_validate({"model": folder, "on": "gpu0", "train": train, **job})
    return step_of(load_model(folder), job, Roofline.model_validate(machine))


def test_what_a_layer_leaves_is_every_product_and_both_norms(folder):
    values = layer_values(load_model(folder))
    assert values.total == 256 * (1 + 2 + 3 + 1 + 1) + 3 * 1024
    assert values.linear_inputs == 256 * 3 + 1024


def test_kept_activations_and_state_of_the_optimizer_are_the_closed_formulas(folder):
    found, parameters = step(folder), load_model(folder).parameters
    assert found.activations == 3 * 1024 * 2 * layer_values(load_model(folder)).total
    assert (found.weights, found.gradients, found.optimizer) == (
        2 * parameters,
        2 * parameters,
        12 * parameters,
    )
    fifth = step(folder, moments="20 %")
    assert found.optimizer - fifth.optimizer == 8 * parameters - -(-8 * parameters // 5)
    assert found.seconds == pytest.approx(3 * found.macs / 3 / 25e12)


def test_recomputing_costs_a_forward_pass_and_keeps_inputs_and_one_segment(folder):
    kept, again = step(folder), step(folder, activations={"policy": "recompute", "segment": 2})
    assert again.seconds == pytest.approx(kept.seconds * 4 / 3)
    tokens, values = 1024, layer_values(load_model(folder))
    assert again.activations == 2 * tokens * (2 * values.input + 2 * values.total)


def test_projections_keep_their_rank_of_the_inputs_of_linear_layers(folder):
    values = layer_values(load_model(folder))
    found = step(folder, activations={"policy": "compress", "rank": "25 %"})
    assert found.activations == 3 * 1024 * 2 * (values.total - values.linear_inputs * 3 // 4)
    assert found.seconds == step(folder).seconds


@settings(max_examples=60)
@given(st.integers(64, 20_000), st.integers(1, 50), st.integers(1, 8))
def test_what_is_swapped_hides_behind_forward_and_fits_the_host(folder, sequence, link, cards):
    machine = HOST | {"link": f"{link} GB/s", "host": "1 GB"}
    found = step(folder, machine, sequence, cards, activations={"policy": "swap"})
    assert 0 <= found.swapped <= 1
    assert found.host <= 10**9
    kept = step(folder, sequence=sequence, cards=cards)
    assert found.activations <= kept.activations
    assert kept.seconds * 0.999 <= found.seconds
    if found.swapped > 0:
        assert found.exposed_s < 1e-9 * found.forward_s + 1e-12
        assert found.host / (link * 1e9 * cards) <= found.forward_s * 1.001
    rest = (1 - found.swapped) * kept.forward_s
    assert found.recompute_s <= rest + 1e-12


def test_attention_trained_alone_has_no_state_for_ffns_and_keeps_no_inputs_of_theirs(folder):
    found, kept, values = step(folder, trained="attention"), step(folder), layer_values(load_model(folder))
    attention = 3 * 4 * 256 * 256
    assert (found.weights, found.gradients, found.optimizer) == (kept.weights, 2 * attention, 12 * attention)
    assert found.activations == 3 * 1024 * 2 * (values.total - 256 - 1024)
    assert kept.macs - found.macs == 1024 * (3 * 3 * 256 * 1024 + 1000 * 256)  # no gradients of these weights


def test_network_beside_a_model_is_all_that_leaves_activations(folder):
    found, kept, values = (
        step(folder, trained="side", side="25 %"),
        step(folder),
        layer_values(load_model(folder)),
    )
    beside = 3 * ((4 * 256 * 256 + 3 * 256 * 1024) // 16 + 256 * 256 // 4)
    assert found.gradients == 2 * beside
    assert found.weights - kept.weights == 2 * beside
    assert found.activations == 3 * 1024 * 2 * values.total // 4 + 1024 * 2 * values.total
    assert found.backward_s < kept.backward_s / 8


def test_perturbed_weights_take_what_a_forward_pass_takes_twice(folder):
    found, kept = step(folder, trained="perturbed"), step(folder)
    assert (found.gradients, found.optimizer, found.backward_s) == (0, 0, 0)
    assert found.activations == kept.activations // 3  # of one layer
    assert found.seconds == pytest.approx(kept.seconds * 2 / 3)


def test_run_tells_each_cards_bytes_and_the_step(folder, tmp_path):
    train = {"model": folder, "on": "gpu0", "train": {"sequence": 512, "sequences": 2, "cards": 2}}
    result = simulator.run({"system": {"backends": {"gpu0": CARD}}, "workloads": {"step": train}})
    told, found = result.summary["workloads"]["step"], step(folder, cards=2)
    assert told["latency_s"] == found.seconds
    assert told["card_bytes"]["peak"] == -(-found.peak // 2)
    assert told["card_bytes"]["activations"] == found.activations // 2
    assert told["activation_plan"]["lower_bound_bytes"] == found.activations // 2
    assert sum(told["phases"].values()) == pytest.approx(told["latency_s"])
    assert told["mac_utilization"] == pytest.approx(0.5)
    write_run(result, tmp_path / "run", plots=False)
    assert (tmp_path / "run" / "summary.json").exists()
    assert run_data(result)["ops"]["track"] == []  # a page without operations


PLANS = [
    ({}, 0),
    ({"policy": "recompute"}, 1),
    ({"policy": "recompute", "segment": 2}, 2),  # three layers: the last segment's is gone
    ({"policy": "compress", "rank": "25 %"}, 0),
    ({"policy": "swap", "share": "100 %"}, 0),
]


@pytest.mark.parametrize(("activations", "inputs"), PLANS)
def test_planned_activations_are_those_counted_and_reach_the_bound(folder, activations, inputs):
    """What the count adds twice, the input of the segment at hand, the plan has once."""
    counted = step(folder, HOST, activations=activations).activations
    train = {"sequence": 512, "sequences": 2}
    job = TrainJob.model_validate({"model": folder, "on": "g", "train": train, "activations": activations})
    plan = memory_plan(load_model(folder), job)
    assert plan.lower_bound == counted - inputs * 1024 * 2 * 256
    assert plan.lower_bound <= plan.planned <= 1.1 * plan.lower_bound
    buffers = lifetimes(load_model(folder), job)
    assert all(0 <= buffer.first <= buffer.last for buffer in buffers)
    assert len({buffer.name for buffer in buffers}) == len(buffers)


WRONG = [
    ({"capacity": "1 MB"}, {}, "workloads.step.train: a step of ", "gpu0 has 0.00 GB"),
    ({}, {"activations": {"policy": "swap"}}, "workloads.step.activations: inputs and attention", "has 0.00 GB"),
    ({}, {"activations": {"policy": "compress"}}, "workloads.step.activations: policy compress and rank None", ""),
    ({}, {"precision": "fp16"}, "workloads.step.precision: gpu0 computes in bf16", "write one of them"),
    (
        {"host": "10 MB"}, {"activations": {"policy": "swap", "share": "100 %"}},
        "workloads.step.activations: activations.share 100 %", "has room for",
    ),
    ({}, {"trained": "side"}, "workloads.step: trained side, and side absent; write a width for side", ""),
    (
        {}, {"trained": "attention", "activations": {"policy": "recompute"}},
        "workloads.step: trained attention, and activations.policy recompute; write keep", "",
    ),
    ({}, {"train": {"sequence": 10**9}}, "workloads.step.train.sequence: 1000000000 is too large", "134217728"),
    ({}, {"model": "mixtral-8x7b"}, "workloads.step.model: mixtral-8x7b has experts", "not trained"),
]  # fmt: skip


@pytest.mark.parametrize(("card", "job", "begins", "holds"), WRONG)
def test_step_that_cannot_be_is_told_in_one_line(folder, card, job, begins, holds):
    train = {"model": folder, "on": "gpu0", "train": {"sequence": 512, "sequences": 2}, **job}
    with pytest.raises(ConfigError) as error:
        simulator.run({"system": {"backends": {"gpu0": CARD | card}}, "workloads": {"step": train}})
    assert str(error.value).startswith(begins)
    assert holds in str(error.value)


def test_memo_is_exact_and_four_of_six_pairs_are_within_8_percent():
    found = list(figures())
    assert found[0].error_percent == 0
    pairs = [abs(figure.error_percent) for figure in found if figure.row["system"] == "DPO prefix sharing"]
    assert len(pairs) == 6
    assert sorted(pairs)[3] < 8
    assert max(pairs) < 35
