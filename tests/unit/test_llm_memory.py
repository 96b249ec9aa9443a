"""A language model in the system's memory is the same alone as beside a network that does nothing."""

import json

import pytest
from llm_helpers import TINY

import simulator

CONV = {"conv": {"input": [8, 1, 8], "kernels": 8, "kernel": "1x1"}}
SYSTEM = {
    "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "1 GHz"}},
    "backends": {"gpu0": {"preset": "m1_max_metal"}},
    "flash": {"preset": "m1_max_ssd"},
    "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"},
    "dram": {"standard": "LPDDR4-3200", "channels": 2},
}


@pytest.fixture
def chat(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    return {"model": str(path), "on": "gpu0", "prompt": 4, "tokens": 2, "offload": {"policy": "naive"}}


def run(chat, jobs=(), **system):
    return simulator.run({"system": SYSTEM | system, "workloads": {"chat": chat, **dict(jobs)}})


def test_model_alone_takes_the_time_that_it_takes_beside_an_idle_camera_and_tells_it_alike(chat):
    alone = run(chat)
    beside = run(chat, {"idle": {"on": "nvdla0", "layers": [CONV]}})
    jobs = [result.summary["workloads"]["chat"] for result in (alone, beside)]
    assert jobs[0]["latency_s"] == pytest.approx(jobs[1]["latency_s"], rel=1e-3)
    assert jobs[0].keys() == jobs[1].keys()
    assert list(alone.ops) == list(beside.ops)
    kinds = [
        [kind for job, kind in zip(result.ops["job"], result.ops["kind"]) if job == "chat"]
        for result in (alone, beside)
    ]
    assert kinds[0] == kinds[1]
    assert alone.summary.keys() == beside.summary.keys()


def test_narrow_bus_in_front_of_a_slow_memory_is_felt(chat):
    slow = {"dram": {"standard": "DDR3-1600", "channels": 1}}
    slow["interconnect"] = SYSTEM["interconnect"] | {"width": "1 B"}
    latencies = [run(chat, **system).summary["workloads"]["chat"]["latency_s"] for system in ({}, slow)]
    assert latencies[1] > 2 * latencies[0]


def test_sharing_layers_save_reads_of_dram_only_where_a_cache_lies_between(tmp_path):
    values = TINY | {"num_hidden_layers": 4, "intermediate_size": 512, "vocab_size": 64}
    (tmp_path / "config.json").write_text(json.dumps(values))
    chat = {"model": str(tmp_path), "on": "gpu0", "prompt": 256, "tokens": 1, "batch": 4}
    read = {}
    for shared in (False, True):
        rules = [{"share": {"layers": 4}}] if shared else []
        for cache in (None, {"size": "4 MiB", "ways": 16, "line": "64 B", "mshrs": 32}):
            job = {**chat, "kv_cache": {"rules": rules}}
            result = run(job, flash=None, accelerators={}, **({"llc": cache} if cache else {}))
            told = result.summary["workloads"]["chat"]
            read[shared, cache is not None] = 64 * sum(c["reads"] for c in result.summary["dram"].values())
            stored = 4 * 257 * 4 * 2 * 256 * 2 // (4 if shared else 1)
            assert told["dram_bytes"]["kv"] == stored
    assert read[True, False] == pytest.approx(read[False, False], rel=1e-3)
    saved = 3 * (4 * 257 * 2 * 256 * 2)  # of the last three layers; the prompt's weights drove out its keys
    assert read[False, True] - read[True, True] == pytest.approx(saved, rel=0.01)
