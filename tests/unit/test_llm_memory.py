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
