"""Whatever the network: every request is answered once, and no byte is lost on the way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulator
from hw_models.errors import ConfigError, StuckError
from simulator.config.model import load
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

SYSTEM = {
    "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
    "cores": {"core0": {"clock": "1 GHz"}, "core1": {"clock": "700 MHz"}},
    "interconnect": {"clock": "400 MHz", "width": "8 B", "latency": "5 cycles"},
    "llc": {"size": "32 KiB", "ways": 4, "line": "64 B", "mshrs": 4},
    "dram": {"standard": "DDR3-1600"},
}
CORUNNERS = [{"on": "core1", "kind": "bandwidth_write", "footprint": "64 KiB"}]


def convolution(width, height, channels, kernels, kernel, stride):
    return {
        "conv": {
            "input": [width, height, channels],
            "kernels": kernels,
            "kernel": f"{kernel}x{kernel}",
            "stride": stride,
            "padding": kernel // 2,
        }
    }


def machine_of(layers, **system):
    config = {
        "system": SYSTEM | system,
        "workloads": {"net": {"on": "nvdla0", "fallback": "core0", "layers": layers}},
        "corunners": CORUNNERS,
        "simulation": {"max_time": "1 s"},
    }
    machine = build_machine(load(config))
    run_machine(machine)
    return machine


layers = st.builds(
    convolution,
    width=st.integers(4, 12),
    height=st.integers(4, 12),
    channels=st.sampled_from([3, 8, 20]),
    kernels=st.sampled_from([4, 16, 24]),
    kernel=st.sampled_from([1, 3]),
    stride=st.sampled_from([1, 2]),
)
systems = st.sampled_from([{}, {"llc": None}, {"dram": {"standard": "DDR4-2400", "channels": 2}}])


@settings(max_examples=12)
@given(layer=layers, system=systems)
def test_every_byte_asked_for_is_answered(layer, system):
    machine = machine_of([layer], **system)
    nvdla = machine.measures[0]
    assert nvdla["answered_reads"] == nvdla["read_bytes"]
    assert nvdla["answered_writes"] == nvdla["write_bytes"]
    assert machine.fleets["nvdla"].records["read_bytes"].sum() == nvdla["read_bytes"]
    assert machine.fleets["nvdla"].records["write_bytes"].sum() == nvdla["write_bytes"]
    assert machine.buses[0]["read_bytes"][0] == nvdla["read_bytes"]
    assert machine.buses[0]["write_bytes"][0] == nvdla["write_bytes"]


@settings(max_examples=6)
@given(layer=layers)
def test_the_llc_moves_whole_lines_and_memory_moves_what_the_llc_asks_for(layer):
    machine = machine_of([layer])
    llc, dram = machine.caches[0], machine.channels[0]
    assert llc["fill_bytes"].sum() == 64 * llc["fills"].sum()
    below = int(dram["reads"]) + int(dram["forwarded"])
    assert 0 <= llc["fills"].sum() - below <= 4  # those still under way at the end


def test_two_channels_share_the_traffic():
    machine = machine_of([convolution(12, 12, 16, 16, 3, 1)], dram={"standard": "DDR4-2400", "channels": 2})
    reads = machine.channels["reads"]
    assert reads.min() > 0.3 * reads.max()


def test_without_interconnect_the_clock_of_the_accelerator_drives_an_ideal_memory():
    config = {
        "system": {
            "accelerators": {"nvdla0": {"preset": "nv_large", "clock": "1 GHz"}},
            "memory": {"latency": "50 cycles"},
        },
        "workloads": {"net": {"on": "nvdla0", "layers": [convolution(26, 26, 64, 64, 1, 1)]}},
    }
    from hw_models.nvdla.standalone import simulate

    loaded = load(config)
    machine = build_machine(loaded)
    run_machine(machine)
    timings = {
        "beat_bytes": 32, "read_latency": 50, "write_latency": 50,
        "read_interval": 1, "write_interval": 1, "shared_interval": 0,
    }  # fmt: skip
    alone = simulate(loaded.system.accelerators["nvdla0"].values(), timings, machine.fleets["nvdla"].ops)
    assert machine.latencies[0, 0] == int(alone["done_time"][0]) * 10**6


def test_a_run_that_would_never_finish_says_how_far_it_came():
    config = {
        "system": SYSTEM,
        "workloads": {
            "net": {"on": "nvdla0", "fallback": "core0", "layers": [convolution(12, 12, 8, 16, 3, 1)]}
        },
        "simulation": {"max_time": "2 us"},
    }
    message = r"^simulation.max_time: 2 us of simulated time passed with 0 of \d+ steps done; raise it, or shorten the run$"
    with pytest.raises(ConfigError, match=message):
        simulator.run(config)


def test_a_deadlock_says_who_waits_for_what():
    config = {
        "system": SYSTEM,
        "workloads": {
            "net": {"on": "nvdla0", "fallback": "core0", "layers": [convolution(12, 12, 8, 16, 3, 1)]}
        },
    }
    machine = build_machine(load(config))
    machine.caches[0]["mshr_count"] = 0  # a cache that can never miss
    message = (
        "nothing can go on at 0.000000253 s: job net waits for step 0 of 6; "
        "core0 waits for 64 B of reads and 0 B of writes to be answered; "
        "llc holds 1 requests: all 0 MSHRs are taken, see system.llc.mshrs"
    )
    with pytest.raises(StuckError, match=f"^{message}$"):
        run_machine(machine)


def test_a_job_with_a_period_reports_every_frame():
    config = {
        "system": SYSTEM,
        "workloads": {
            "net": {
                "on": "nvdla0",
                "fallback": "core0",
                "layers": [convolution(8, 8, 8, 8, 3, 1)],
                "frames": 4,
                "period": "200 us",
                "deadline": "1 us",
            }
        },
    }
    job = simulator.run(config).summary["workloads"]["net"]
    assert job["frames"] == 4
    assert len(job["frame_latency_s"]) == 4
    assert job["deadline"]["misses"] == 4
    assert np.ptp(job["frame_latency_s"]) < 0.5 * job["latency_s"]


def test_the_shortcut_for_a_single_clock_changes_no_time():
    clock = {"clock": "500 MHz"}
    config = {
        "system": {
            "accelerators": {"nvdla0": {"preset": "nv_small", **clock}},
            "cores": {"core0": clock, "core1": clock},
            "interconnect": {"width": "8 B", **clock},
            "llc": {"size": "16 KiB", "ways": 4, "line": "64 B"},
            "dram": {"standard": "DDR3-1600", **clock},
        },
        "workloads": {
            "net": {"on": "nvdla0", "fallback": "core0", "layers": [convolution(10, 10, 16, 16, 3, 1)]}
        },
        "corunners": CORUNNERS,
    }
    machines = [build_machine(load(config)) for _ in range(2)]
    assert machines[0].system[0]["one_clock"] == 1
    machines[0].system[0]["one_clock"] = 0
    for machine in machines:
        machine.fleets["nvdla"].states["patient"] = 0  # bursts follow each other where there is one clock
        run_machine(machine)
    assert (machines[0].records == machines[1].records).all()
    assert (machines[0].fleets["nvdla"].records == machines[1].fleets["nvdla"].records).all()
    assert machines[0].system[0]["events"] == machines[1].system[0]["events"]


def job_on(accelerator, core="core0"):
    layers = [convolution(12, 12, 32, 64, 1, 1), convolution(12, 12, 64, 8, 1, 1)]
    del layers[1]["conv"]["input"]
    return {"on": accelerator, "fallback": core, "layers": layers, "frames": 2}


def test_two_networks_take_turns_on_one_accelerator():
    result = simulator.run({"system": SYSTEM, "workloads": {"a": job_on("nvdla0"), "b": job_on("nvdla0")}})
    a, b = (result.summary["workloads"][name] for name in "ab")
    assert a["frames"] == b["frames"] == 2
    assert a["traffic_bytes"] == b["traffic_bytes"]


def test_two_accelerators_on_one_memory_slow_each_other_down():
    nvdla = SYSTEM["accelerators"]["nvdla0"]
    system = SYSTEM | {"accelerators": {"nvdla0": nvdla, "nvdla1": nvdla}}
    alone = simulator.run({"system": system, "workloads": {"a": job_on("nvdla0")}}).summary
    both = simulator.run(
        {"system": system, "workloads": {"a": job_on("nvdla0"), "b": job_on("nvdla1", "core1")}}
    ).summary
    assert both["workloads"]["a"]["latency_s"] > alone["workloads"]["a"]["latency_s"]
    assert both["interference"]["nvdla0"]["nvdla1"]["delay_s"] > 0
    assert "nvdla1" not in alone["interference"]["nvdla0"]
