"""Lines of `hold`: neurons, experts, blocks of keys and values, rows of a table; early reads; pages."""

import json

import numpy as np
import pytest
from llm_helpers import ACTIVITY, BACKEND, FLASH
from llm_helpers import TINY as DENSE

import simulator
from hw_models.errors import ConfigError
from hw_models.roofline.params import Roofline
from simulator.config.model import load
from workloads.llm.fits import check_fits
from workloads.llm.params import AS_HOLD, LlmJob
from workloads.llm.plan import make_plan
from workloads.llm.tokens import LlmRun

MOE = {"model_type": "mixtral", "hidden_size": 64, "intermediate_size": 128, "vocab_size": 1000}
MOE |= {"num_hidden_layers": 3, "num_attention_heads": 4, "num_local_experts": 8, "num_experts_per_tok": 2}
MACHINE = {"preset": "m1_max_cpu", "capacity": "8 MB", "swap_bandwidth": "1 GB/s"}


def job_of(tmp_path, model, **keys):
    (tmp_path / "config.json").write_text(json.dumps(model))
    return {"model": str(tmp_path), "on": "cpu0", "prompt": 4, "tokens": 12} | keys


def passes(job, **machine):
    plan = make_plan(LlmJob.model_validate(job))
    check_fits(plan.job)
    return plan, LlmRun(plan, Roofline.model_validate(MACHINE | machine), 1).passes()


@pytest.mark.parametrize("policy", AS_HOLD)
def test_policy_of_the_paper_is_one_line_of_hold(tmp_path, policy):
    model = MOE if policy == "experts" else DENSE
    usual = job_of(tmp_path, model, offload={"policy": policy, "activity": ACTIVITY, "dram": "75 %"})
    plan, found = passes(usual, capacity="1 GB")
    line = AS_HOLD[policy] | {"dram": f"{plan.budget - plan.resident} B"}
    written, same = passes(
        job_of(tmp_path, model, hold=[line], offload={"activity": ACTIVITY}), capacity="1 GB"
    )
    assert [each.flash_bytes for each in same] == [each.flash_bytes for each in found]
    assert [[p.work for p in each.phases] for each in same] == [
        [p.work for p in each.phases] for each in found
    ]
    assert written.unit_bytes == plan.unit_bytes


@pytest.mark.parametrize("replace", ["pinned", "window", "lru", "lfu", "predicted", "belady"])
def test_neurons_in_dram_never_take_more_than_their_share_and_are_read_before_they_are_used(
    tmp_path, replace
):
    line = {"what": "ffn", "replace": replace, "dram": "20 %"}
    job = job_of(tmp_path, DENSE, hold=[line], offload={"activity": ACTIVITY, "predictor_ranks": [16]})
    plan, found = passes(job, capacity="1 GB")
    ffn = int(plan.dram.ffn.sum())
    for each in found[1:]:
        assert each.resident_rows * plan.dram.neuron <= 0.2 * ffn
        assert each.flash_bytes == each.fresh * plan.flash.neuron
        assert each.fresh <= each.flagged


def test_neurons_that_stay_by_use_are_read_less_often_than_without_a_cache_and_more_than_the_bound(tmp_path):
    fresh = {}
    for replace in ("none", "lru", "belady"):
        line = {"what": "ffn", "replace": replace, "dram": "25 %"}
        job = job_of(tmp_path, DENSE, hold=[line], offload={"activity": ACTIVITY, "predictor_ranks": [16]})
        fresh[replace] = sum(each.fresh for each in passes(job, capacity="1 GB")[1][1:])
    assert fresh["belady"] < fresh["lru"] < fresh["none"]


def test_pages_are_read_copied_and_swapped_as_the_memory_that_is_left_says(tmp_path):
    def run(dram, capacity):
        line = {"what": "experts", "dram": dram, "via": "page_cache"}
        return passes(job_of(tmp_path, MOE, hold=[line], tokens=40), capacity=capacity)

    plan, roomy = run("400 KB", "8 MB")
    expert = plan.dram.expert
    for each in roomy:
        missed = (each.experts - each.expert_hits) * expert
        pages = sum(phase.work.read_bytes for phase in each.phases if phase.op == "pages")
        assert each.flash_bytes <= missed == pages  # all experts' pages have room: nothing is swapped
    assert sum(each.flash_bytes for each in roomy) == 24 * expert  # each page once
    _, tight = run("400 KB", "1.3 MB")
    assert sum(each.flash_bytes for each in tight) > 24 * expert
    _, mapped = run("0 B", "8 MB")
    assert not [phase for each in mapped for phase in each.phases if phase.op == "pages"]
    assert sum(each.expert_hits for each in mapped) == 0


def test_pages_need_to_know_how_large_the_memory_is(tmp_path):
    job = job_of(tmp_path, MOE, hold=[{"what": "experts", "via": "page_cache"}])
    system = {"backends": {"cpu0": BACKEND}, "flash": FLASH}
    with pytest.raises(
        ConfigError, match="via page_cache shares the memory of cpu0, and its size is not known"
    ):
        simulator.run({"system": system, "workloads": {"chat": job}})


def test_early_reads_move_the_same_experts_and_take_less_time(tmp_path):
    wide = MOE | {"hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 6}
    times, moved = {}, {}
    for found in (None, "100 %"):
        line = {"what": "experts", "dram": "30 %"} | ({"ahead": {"found": found}} if found else {})
        job = job_of(tmp_path, wide, hold=[line])
        system = {"backends": {"cpu0": BACKEND | {"memory_bandwidth": "60 GB/s"}}, "flash": FLASH}
        told = simulator.run({"system": system, "workloads": {"chat": job}}).summary["workloads"]["chat"]
        times[found], moved[found] = told["s_per_token"], told["flash_bytes_per_token"]
    assert moved[None] == moved["100 %"]
    assert times["100 %"] < 0.9 * times[None]


def test_guesses_that_fail_are_read_in_vain(tmp_path):
    def bytes_of(waste):
        line = {"what": "experts", "dram": "30 %", "ahead": {"found": "50 %", "waste": waste}}
        return sum(each.flash_bytes for each in passes(job_of(tmp_path, MOE, hold=[line]))[1][1:])

    right, half = bytes_of(0), bytes_of(0.5)
    assert right < half < 1.4 * right


def test_blocks_that_are_retrieved_again_are_found_in_dram(tmp_path):
    def run(hold):
        kv = {"dram": "200 KB", "rules": [{"read": 128}], "block": 16}
        job = job_of(tmp_path, DENSE, prompt=1000, tokens=30, kv_cache=kv, hold=hold)
        return sum(each.flash_bytes for each in passes(job, capacity="1 GB")[1])

    again = {"skew": 0.5, "repeat": 0.9}
    read = [run([{"what": "kv", "dram": dram, "router": again}]) for dram in ("0 B", "256 KB", "4 MB")]
    assert read[0] == run([])  # no cache: as many blocks as without a line, others of them
    assert read[0] > 2 * read[1] > 2 * read[2] > 0


def test_rows_that_are_looked_up_again_are_found_in_dram(tmp_path):
    table = {"rows": 4096, "picks": 16, "layers": "0", "home": "flash", "skew": 0.8}

    def run(dram, replace):
        hold = [{"what": "table", "dram": dram, "replace": replace}] if dram else []
        job = job_of(tmp_path, DENSE, table=table, hold=hold, tokens=40)
        plan, found = passes(job, capacity="1 GB")
        return [each.flash_bytes // plan.table_row for each in found]

    none, lru, best = run(None, ""), run("5 %", "lru"), run("5 %", "belady")
    assert sum(none) > sum(lru) > sum(best) > 0
    assert run("100 %", "lru")[0] == none[0]  # the prompt finds nothing


@pytest.mark.parametrize(
    ("hold", "message"),
    [
        ([{"what": "ffn"}, {"what": "ffn"}], "ffn is held twice; write one line for it"),
        ([{"what": "kv", "unit": "pair"}], "unit of kv; only ffn has it"),
        ([{"what": "ffn", "via": "page_cache"}], "via page_cache of ffn; write direct, or hold experts"),
        ([{"what": "kv", "home": "host"}], "home of kv; write it as kv_cache.home"),
        ([{"what": "ffn", "unit": "pair"}], "unit pair and replace lru; pairs are held by a window"),
        ([{"what": "kv"}], "hold of kv keeps blocks that a step retrieves, and none are; write kv_cache.dram"),
        ([{"what": "table"}], "hold of table, and there is no table; write table.home: flash"),
        ([{"what": "experts"}], "hold of experts reads experts, and opt-6.7b has none"),
        ([{"what": "ffn", "dram": "1 kB"}], "hold of ffn: dram 1 kB; a layer's own take 0.001 GB"),
    ],
)  # fmt: skip
def test_line_that_cannot_be_is_refused_with_what_would_be_right(hold, message):
    job = {"model": "opt-6.7b", "on": "cpu0", "hold": hold}
    with pytest.raises(ConfigError) as error:
        load({"system": {"backends": {"cpu0": BACKEND}, "flash": FLASH}, "workloads": {"chat": job}})
    assert message in str(error.value)


def test_bytes_of_neurons_are_those_of_all_that_was_flagged_and_not_there():
    job = {"model": "opt-125m", "on": "cpu0", "tokens": 4, "prompt": 8, "offload": {"activity": ACTIVITY}}
    plan, found = passes(job | {"hold": [{"what": "ffn", "dram": "30 %"}]}, capacity="4 GB")
    assert np.all([each.flagged >= each.fresh for each in found])
    assert plan.job.held("ffn").replace == "lru"
