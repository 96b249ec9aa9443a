"""The FireSim SoC's memory beside cores: one stream of an id, and what co-runners that fit the LLC do to it."""

import pytest

import simulator
from simulator.config.model import load, resolved
from simulator.validate.firesim_runs import CONFIG

REQUESTS = 6000


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """Return a trace of 32 B reads and writes, each behind the one before, every fourth a write."""
    path = tmp_path_factory.mktemp("traces") / "stream.csv"
    lines = ["transaction,write,id,address,bytes,after"]
    for k in range(REQUESTS):
        write = int(k % 4 == 3)
        address = 0x18000000 + 32 * (k // 4) if write else 0x10000000 + 32 * (k - k // 4)
        lines.append(f"{k},{write},0,{address},32,{f'{k - 1}+0' if k else ''}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def cycles_per_request(trace, corunners):
    config = resolved(load(CONFIG))
    config["system"]["accelerators"] = {
        "nvdla0": {"kind": "replay", "clock": "3.2 GHz", "port": "32 B", "outstanding_reads": 8}
    }
    config["workloads"] = {"stream": {"trace": str(trace), "on": "nvdla0"}}
    config["corunners"] = [
        {"on": f"core{k}", "footprint": "64 KiB", "jitter": "8 cycles"} for k in range(corunners)
    ]
    summary = simulator.run(config).summary
    return summary["workloads"]["stream"]["latency_s"] * 3.2e9 / REQUESTS


def test_answers_to_probes_behind_released_lines_double_the_time_of_a_request(trace):
    alone, one, four = (cycles_per_request(trace, corunners) for corunners in (0, 1, 4))
    assert 1.05 < one / alone < 1.35
    assert 1.85 < four / alone < 2.45
