"""Whole runs of a small model: what must hold whatever the numbers are."""

import json

import pytest
from llm_helpers import ACTIVITY, BACKEND, FLASH, SYSTEM, TINY

import simulator
from hw_models.errors import ConfigError
from hw_models.flash.params import Flash
from hw_models.flash.reader import Reader
from simulator.config.model import load
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine
from simulator.soc.storage import Storage
from simulator.validate.llm_experiment import run_tokens
from workloads.program import On


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    return str(path)


def config(model, policy="window_bundled", **job):
    offload = {"policy": policy, "activity": ACTIVITY, **job.pop("offload", {})}
    chat = {"model": model, "on": "cpu0", "prompt": 16, "tokens": 6, "offload": offload, **job}
    return {"name": "tiny", "system": SYSTEM, "workloads": {"chat": chat}}


PHASES = {"rows": "memory_management_s"}
POLICIES = ["naive", "hybrid", "predictor", "window", "window_bundled", "window_coactivation"]


@pytest.mark.parametrize("policy", POLICIES)
def test_bytes_and_times_of_the_operations_are_those_of_the_summary(tiny, policy):
    result = simulator.run(config(tiny, policy))
    job, ops = result.summary["workloads"]["chat"], result.ops
    of_io = [i for i, unit in enumerate(ops["unit"]) if unit == "flash"]
    assert sum(ops["read_bytes"][i] for i in of_io) == result.summary["flash"]["read_bytes"]
    kinds = ["io_s" if u == "flash" else PHASES.get(k, "compute_s") for u, k in zip(ops["unit"], ops["kind"])]
    decoding = [i for i, token in enumerate(ops["token"]) if token >= 0]
    for phase in ("io_s", "compute_s", "memory_management_s"):
        spent = sum(ops["end_s"][i] - ops["start_s"][i] for i in decoding if kinds[i] == phase)
        assert spent == pytest.approx(job["phases"][phase], rel=1e-6, abs=1e-12)
    assert sum(job["phases"].values()) == pytest.approx(job["latency_s"])
    assert ops["end_s"][:-1] == pytest.approx(ops["start_s"][1:])  # in turn, without gaps
    assert job["overlapped"]["s_per_token"] <= job["s_per_token"]


def test_resident_model_reads_nothing_from_flash(tiny):
    result = simulator.run(config(tiny, "resident"))
    assert "flash" not in result.summary
    assert result.summary["workloads"]["chat"]["phases"]["io_s"] == 0


def test_naive_policy_reads_every_weight_but_the_input_embedding_for_every_token(tiny):
    result = simulator.run(config(tiny, "naive", tokens=1))
    weights = 2 * (3 * (4 * 256 * 256 + 3 * 256 * 1024 + 2 * 256) + 256 + 1000 * 256)
    assert result.summary["workloads"]["chat"]["flash_bytes_per_token"] == weights


def test_hybrid_policy_reads_what_the_budget_leaves(tiny):
    naive, half = (
        run_tokens({"model": tiny, "offload": offload}, BACKEND, FLASH, 1).flash_bytes
        for offload in ({"policy": "naive"}, {"policy": "hybrid", "dram": "50 %"})
    )
    table = 2 * 1000 * 256  # the input embedding counts as model, but is not read
    assert half == pytest.approx(naive - (naive + table) / 2, rel=1e-3)


def test_window_reads_each_new_neuron_once_bundled_and_three_times_not(tiny):
    bundled, apart = (simulator.run(config(tiny, policy)).summary for policy in ("window_bundled", "window"))
    assert bundled["flash"]["read_bytes"] == apart["flash"]["read_bytes"]
    prefill = [s["flash"]["requests"] for s in (bundled, apart)]
    assert prefill[1] > prefill[0]
    neurons = bundled["workloads"]["chat"]["neurons"]
    assert neurons["new"] < neurons["predicted"] < neurons["resident"]


def test_cold_start_reads_more_than_a_warm_one(tiny):
    warm, cold = (
        simulator.run(config(tiny, offload={"start": start})).summary["workloads"]["chat"]
        for start in ("warm", "cold")
    )
    assert cold["flash_bytes_per_token"] > warm["flash_bytes_per_token"]


def test_quantised_ffn_is_read_as_fewer_bytes(tiny):
    plain, packed = (
        simulator.run(config(tiny, quantize=q)).summary["workloads"]["chat"] for q in ({}, {"ffn": "int4"})
    )
    assert packed["flash_bytes_per_token"] == pytest.approx(plain["flash_bytes_per_token"] * 4.5 / 16)
    assert packed["neurons"] == plain["neurons"]


def test_speculative_rounds_make_several_tokens_and_stop_at_the_wanted_number(tiny):
    plain = simulator.run(config(tiny, tokens=60)).summary["workloads"]["chat"]
    rounds = simulator.run(config(tiny, tokens=60, speculative={"lambda": 4, "alpha": 0.8})).summary[
        "workloads"
    ]
    assert rounds["chat"]["tokens"] == plain["tokens"] == 60
    assert 2 < rounds["chat"]["tokens_per_round"] < 5


def test_cache_that_does_not_fit_dram_is_read_back_for_every_token(tiny):
    token = 2 * 3 * 4 * 64 * 2  # keys and values, layers, heads, width, bytes
    written = config(tiny, "resident", kv_cache={"dram": f"{8 * token} B", "block": 4})
    written["system"] = SYSTEM | {"flash": FLASH | {"writable": True}}
    spilled = simulator.run(written)
    reads = [i for i, kind in enumerate(spilled.ops["kind"]) if kind == "read_kv"]
    by_token = dict.fromkeys(range(16, 22), 0)
    for i in reads:
        by_token[spilled.ops["token"][i]] += spilled.ops["read_bytes"][i]
    cache = spilled.summary["workloads"]["chat"]["kv_cache"]
    assert cache == {"bytes": 22 * token, "flash_bytes": 16 * token, "flash_write_bytes": 16 * token}
    assert spilled.summary["flash"]["write_bytes"] == 16 * token
    # 17 to 22 tokens of context, 8 in DRAM, blocks of 4: 12, 12, 12, 12, 16, 16 on flash
    assert list(by_token.values()) == [n * token for n in (12, 12, 12, 12, 16, 16)]


def test_recorded_trace_takes_the_place_of_the_generated_one(tiny, tmp_path):
    path = tmp_path / "activity.csv"
    path.write_text("token,layer,neurons\n" + "".join(f"0,{layer},0 1 2\n" for layer in range(3)))
    neurons = simulator.run(config(tiny, offload={"recorded": str(path)})).summary["workloads"]["chat"][
        "neurons"
    ]
    assert neurons["predicted"] == neurons["resident"] == 3 / 1024
    assert neurons["new"] == 0


def without_wall(summary):
    return {**summary, "simulation": {k: v for k, v in summary["simulation"].items() if "wall" not in k}}


def test_same_seed_same_bytes_and_order_of_keys_does_not_matter(tiny):
    first, again = simulator.run(config(tiny)), simulator.run(dict(reversed(config(tiny).items())))
    assert without_wall(first.summary) == without_wall(again.summary)
    assert first.ops == again.ops
    other = simulator.run(config(tiny), seed=2)
    assert other.ops != first.ops


@pytest.mark.parametrize("start_ps", [0, 12345])
def test_skipped_periods_of_a_stream_end_as_if_read_request_by_request(start_ps):
    fast, slow = (Reader(Flash.model_validate(FLASH)) for _ in range(2))
    size = (200 << 20) + 4096
    end = fast.sequential(1 << 14, size, start_ps=start_ps)
    assert end == slow.sequential(1 << 14, size, start_ps=start_ps, every_request=True)
    assert fast.counters == slow.counters


@pytest.mark.parametrize("policy", ["predictor", "window_bundled"])
def test_device_that_one_job_has_to_itself_takes_a_batch_in_one_go_as_request_by_request(tiny, policy):
    times = []
    for skip in (True, False):
        machine = build_machine(load(config(tiny, policy, prompt=4, offload={"threads": 5})))
        storage = machine.storage = Storage(
            machine.config.system.flash, machine.storage.batches, machine, skip=skip
        )
        assert storage.alone == skip
        streams = [batch.in_order for batch in storage.batches]
        run_machine(machine)
        on_flash = machine.steps["on"] == On.FLASH
        spans = (machine.records["end_fs"] - machine.records["start_fs"])[on_flash]
        times.append([int(span) for span, stream in zip(spans, streams) if not stream])
        assert len(times[-1]) > 10
    assert times[0] == times[1]


def test_shortest_job_needs_no_context_for_a_window_that_it_does_not_use(tiny):
    job = simulator.run(config(tiny, "resident", prompt=1, tokens=1)).summary["workloads"]["chat"]
    assert job["tokens"] == 1


def test_two_models_on_one_backend_take_turns(tiny):
    one, two = config(tiny, "resident"), config(tiny, "resident")
    two["workloads"]["again"] = two["workloads"]["chat"]
    alone, both = (simulator.run(c).summary["workloads"] for c in (one, two))
    assert both["chat"]["latency_s"] == pytest.approx(2 * alone["chat"]["latency_s"], rel=0.02)
    assert both["again"]["latency_s"] == pytest.approx(both["chat"]["latency_s"], rel=0.02)


def test_two_models_on_backends_of_their_own_share_the_flash_device(tiny):
    one, two = config(tiny, "naive"), config(tiny, "naive")
    two["system"] = {**SYSTEM, "backends": {"cpu0": BACKEND, "cpu1": BACKEND}}
    two["workloads"]["again"] = {**two["workloads"]["chat"], "on": "cpu1"}
    alone, both = (simulator.run(c) for c in (one, two))
    io = [run.summary["workloads"]["chat"]["per_token"]["io_s"] for run in (alone, both)]
    assert 1.2 * io[0] < io[1] < 2.2 * io[0]
    assert both.summary["interference"]["cpu0"]["cpu1"]["delay_s"] > 0
    assert both.summary["flash"]["read_bytes"] == 2 * alone.summary["flash"]["read_bytes"]


def test_run_that_is_cut_counts_the_tokens_that_are_there(tiny):
    whole = config(tiny, "naive")
    half = simulator.run(whole).summary["workloads"]["chat"]["latency_s"] / 2
    cut = simulator.run({**whole, "simulation": {"until": f"{round(half * 1e9)} ns"}})
    job = cut.summary["workloads"]["chat"]
    assert 0 < job["tokens"] < 6
    assert job["phases"]["prefill_s"] < job["latency_s"] < half


def test_a_limit_on_simulated_time_ends_a_model_in_a_memory_of_its_own(tiny):
    said = "1 us of simulated time passed with 0 of [0-9]+ steps done; raise it, or shorten the run"
    with pytest.raises(ConfigError, match=f"^simulation.max_time: {said}$"):
        simulator.run(config(tiny, "naive") | {"simulation": {"max_time": "1 us"}})
