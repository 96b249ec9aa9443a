"""Kernels for 64 masters: what fits 16 runs in them as it always does, and what does not balances."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models.jit import numba
from simulator.config.model import load
from simulator.fuzz.digest import digest_of
from simulator.fuzz.invariants import violations
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="64 masters take long to interpret")

SERVE = """
import json, sys
from simulator.config.model import load
for line in sys.stdin:
    config = load(json.loads(line))
    from simulator.fuzz.digest import digest_of
    from simulator.fuzz.invariants import violations
    from simulator.simulate import result_of
    from simulator.soc.build import build_machine
    from simulator.soc.run import run_machine
    machine = build_machine(config)
    result = result_of(machine, run_machine(machine))
    said = digest_of(result), violations(machine, result), result.summary, result.blame
    print(json.dumps(said, default=lambda it: it.tolist()), flush=True)
"""
BUS = {"clock": "500 MHz", "width": "16 B", "latency": "3 cycles"}
LLC = {"size": "64 KiB", "ways": 4, "mshrs": 8, "banks": 2, "clock": "500 MHz"}
CLUSTERED = {"clock": "1 GHz", "l1": "4 KiB", "outstanding": 4}


class Wide:
    """A process that has kernels for 64 masters, because its first config needs them."""

    def __init__(self):
        variables = {name: value for name, value in os.environ.items() if name != "DLASIM_MASTERS"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", SERVE], env=variables, **pipes)

    def run(self, config):
        """Return (digest, what does not hold, summary, table of who waited for whom) of a run."""
        self.process.stdin.write(json.dumps(config) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def wide() -> Iterator[Wide]:
    started = Wide()
    yield started
    with started.process as process:
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def cores(count, until_us=4, **parts):
    """Return a system of cores on one bus that read and write in turn, more than the caches hold."""
    names = [f"core{i:02}" for i in range(count)]
    kinds = ("bandwidth_write", "bandwidth_read")
    return {
        "system": {
            "cores": dict.fromkeys(names, CLUSTERED),
            "interconnect": BUS,
            "llc": LLC,
            "dram": {"standard": "DDR3-1600", "channels": 2},
        }
        | parts,
        "corunners": [
            {"on": name, "kind": kinds[i % 2], "footprint": "16 KiB"} for i, name in enumerate(names)
        ],
        "simulation": {"until": f"{until_us} us"},
    }


def clustered(clusters, each, until_us):
    """Return cores on buses of their own above one bus: it has as many sources as there are clusters."""
    config = cores(clusters * each, until_us)
    system = config["system"]
    system["interconnects"] = {f"cluster{k}": BUS | {"below": "interconnect"} for k in range(clusters)}
    system["cores"] = {
        name: core | {"below": f"cluster{i % clusters}"}
        for i, (name, core) in enumerate(system["cores"].items())
    }
    return config


def test_sixty_four_cores_on_one_bus_balance_and_share_it_in_turn(wide):
    _, wrong, summary, _ = wide.run(cores(64, 20, memory={"latency": "20 cycles"}, dram=None, llc=None))
    assert wrong == []
    served = [master["reads"] + master["writes"] for master in summary["masters"].values()]
    assert len(served) == 64
    assert max(served[0::2]) - min(served[0::2]) <= 1  # those that write
    assert max(served[1::2]) - min(served[1::2]) <= 1  # those that read


@pytest.mark.parametrize(
    ("config", "requests", "waited_ns", "worst_ns"),
    [(cores(64, 20), 1162, 5069034.25, 5750), (clustered(7, 9, 20), 1144, 4906062.75, 5744)],
    ids=["one bus", "seven clusters"],
)
def test_runs_of_many_masters_stay_what_they_are(config, requests, waited_ns, worst_ns, wide):
    _, wrong, summary, blame = wide.run(config)
    assert wrong == []
    charged_s = dict.fromkeys(summary["masters"], 0.0)
    for victim, time_s in zip(blame["victim"], blame["time_s"], strict=True):
        charged_s[victim] += time_s
    for victim, culprits in summary["interference"].items():
        assert sum(each["delay_s"] for each in culprits.values()) == pytest.approx(charged_s[victim])
    worst_s = max(master["read_latency_s"]["max"] for master in summary["masters"].values())
    assert summary["simulation"]["requests"] == requests
    assert (sum(charged_s.values()) * 1e9, worst_s * 1e9) == pytest.approx((waited_ns, worst_ns))


@st.composite
def narrow_systems(draw):
    """Draw a system of at most 16 masters, of what kernels for more of them do in another way."""
    count = draw(st.integers(1, 16))
    config = cores(count)
    system = config["system"]
    arbitration = draw(st.sampled_from(["round_robin", "priority", "weighted", "tdm"]))
    system["interconnect"] = BUS | {
        "arbitration": arbitration,
        "channels": draw(st.sampled_from(["shared", "separate"])),
        "width": draw(st.sampled_from(["8 B", "32 B"])),
        "reads_in_flight": draw(st.integers(1, 64)),
    }
    if arbitration == "tdm":
        system["interconnect"] |= {"tdm": sorted(system["cores"]), "tdm_slot": "8 cycles"}
    if draw(st.booleans()):
        caching = draw(st.sets(st.sampled_from(sorted(system["cores"]))))
        hub = {"trackers": draw(st.integers(1, 8)), "probe": "9 cycles", "grant_blocks": "6 cycles"}
        system["interconnect"] |= {
            "hub": hub,
            "masters": {name: {"caching": True} for name in sorted(caching)},
        }
        system["dram"] |= {"channels": 1}
    system["dram"] |= {"scheduler": draw(st.sampled_from(["fr_fcfs", "fcfs", "bliss"]))}
    if draw(st.booleans()):
        del system["llc"]
    return config


@settings(max_examples=12)
@given(config=narrow_systems())
def test_what_fits_sixteen_masters_runs_the_same_in_wide_kernels(config, wide):
    machine = build_machine(load(config))
    result = result_of(machine, run_machine(machine))
    digest, wrong, _, _ = wide.run(config)
    assert (digest, wrong) == (digest_of(result), violations(machine, result))
