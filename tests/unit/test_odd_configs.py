"""Small configs that combine options in odd ways: each runs to its end, or is refused with the whole line."""

from pathlib import Path

import pytest
import yaml

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import load
from simulator.config.networks import check_networks
from simulator.fuzz.case import OK, run_case

FOLDER = Path(__file__).parent.parent / "cases" / "configs"
BURSTS = (
    "system.accelerators.nvdla0: burst_beats 16 is more than sdp_main_fifo_atoms 8, which never has room for a "
    "burst; write burst_beats: 8, or more sdp_main_fifo_atoms"
)
REFUSED = {
    "burst_beyond_dram": "burst_beyond_dram.yaml:3: system.accelerators.nvdla0: requests of up to 16777216 B straight at "
    "dram, which holds 15360; write an interconnect in between, or a shorter burst",
    "budget_below_a_burst": "budget_below_a_burst.yaml:4: system.interconnect.groups.all.write_budget: 1 B a period; "
    "at least one burst of 64 B is needed",
    "llm_precision": "llm_precision.yaml:5: workloads.chat.precision: gpu0 computes in fp32, not in fp16; write one of "
    "them",
    "llm_two_masters": "llm_two_masters.yaml:2: system.interconnect: absent, yet 2 masters need one; write "
    "interconnect: {width: 8 B, latency: 20 cycles}",
    "memory_unused": "memory_unused.yaml:8: system.memory: nothing is above it; write below: memory where its requests "
    "come from",
    "sram_taken": "sram_taken.yaml:15: corunners.0.footprint: 1048576 B do not fit the 1003648 B left of sram; write "
    "less, or a larger memory",
    "stuck_11268": f"stuck_11268.yaml:3: {BURSTS}",
    "stuck_12507": f"stuck_12507.yaml:3: {BURSTS}",
    "stuck_32823": "stuck_32823.yaml:12: system.dram: protect all_hits keeps a row open for younger hits, and "
    "scheduler fcfs serves only the oldest request: they wait for each other; write protect: older_hits "
    "or none, or fr_fcfs",
    "stuck_89": "stuck_89.yaml:6: workloads.j0.fallback: layer 'pool_1' (max) needs a core; add `fallback: CORE` "
    "with the name of one",
    "timeout_1020": "timeout_1020.yaml:25: system.interconnect.tdm: flash has work and no slot, so that it would "
    "never be served; add it to the list",
    "timeout_56": "timeout_56.yaml:11: system.interconnect.tdm: core0 has work and no slot, so that it would "
    "never be served; add it to the list",
}
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_runs(name):
    config = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    answer = run_case(config)
    assert (answer["outcome"], answer["said"]) == (OK, "")


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises(ConfigError) as error:
        check_networks(load(FOLDER / f"{name}.yaml"))
    assert str(error.value).removeprefix(f"{FOLDER}/") == REFUSED[name]


def test_every_config_has_its_outcome():
    assert len(NAMES) == 34
    assert set(REFUSED) < set(NAMES)


def test_a_map_cache_smaller_than_the_misses_in_flight_runs():
    activity = {"active": [0.1], "context_rate": 0.4, "persistence": 0.1}
    offload = {"policy": "predictor", "activity": activity}
    job = {"model": "opt-125m", "on": "gpu0", "prompt": 1, "tokens": 1, "offload": offload}

    def latency_s(size):
        system = {
            "backends": {"gpu0": {"preset": "m2_ultra.llamacpp"}},
            "flash": {"preset": "mqsim_default", "map_cache": size},
        }
        result = simulator.run({"system": system, "workloads": {"chat": job}})
        return result.summary["workloads"]["chat"]["latency_s"]

    assert latency_s("24 B") >= latency_s("2 MiB")
