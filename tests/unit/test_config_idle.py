"""What is written and has no effect is said: by run, check and sweep."""

import pytest

import simulator
from simulator.cli.main import check
from simulator.config.idle import idle_keys
from simulator.config.model import load
from simulator.sweeps.outcome import SweepOutcome

SYSTEM = {
    "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
    "cores": {"core0": {"clock": "1 GHz"}},
    "interconnect": {"clock": "500 MHz", "width": "8 B", "latency": "8 cycles"},
    "dram": {"standard": "DDR3-1600"},
}
LAYER = {"conv": {"input": [4, 4, 8], "kernels": 8, "kernel": 1}}


def config_of(dram=(), bus=(), llc=None, **job):
    system = SYSTEM | {
        "dram": SYSTEM["dram"] | dict(dram),
        "interconnect": SYSTEM["interconnect"] | dict(bus),
        "llc": llc,
    }
    return {"system": system, "workloads": {"net": {"on": "nvdla0", "layers": [LAYER]} | job}}


TIMING = load("configs/firesim_yolov3.yaml").system.dram.timing
WRITTEN = {"clock": "800 MHz", "timing": TIMING}

IDLE = {
    "speed beside clock and timing": (config_of(WRITTEN), "system.dram.standard"),
    "bliss without bliss": (config_of({"bliss_streak": 8}), "system.dram.bliss_streak"),
    "timeout of an open page": (config_of({"page_timeout": "80 cycles"}), "system.dram.page_timeout"),
    "interleave of one channel": (config_of({"interleave": "1 KiB"}), "system.dram.interleave"),
    "priority without arbitration by it": (
        config_of(bus={"masters": {"nvdla0": {"priority": 1}}}), "system.interconnect.masters.nvdla0.priority",
    ),
    "period of no budget": (config_of(bus={"period": "2 us"}), "system.interconnect.period"),
    "reclaim of no budget": (
        config_of(bus={"masters": {"nvdla0": {"reclaim": True}}}), "system.interconnect.masters.nvdla0.reclaim",
    ),
    "degree of no prefetcher": (
        config_of(llc={"size": "64 KiB", "prefetch_degree": 2}), "system.llc.prefetch_degree",
    ),
    "jitter of one frame": (config_of(jitter="1 ms"), "workloads.net.jitter"),
    "period of one frame": (config_of(period="20 ms"), "workloads.net.period"),
}  # fmt: skip

AT_WORK = {
    "speed beside clock alone": config_of({"clock": "800 MHz"}),
    "speed beside timing with one left out": config_of(
        {"clock": "800 MHz", "timing": {k: v for k, v in TIMING.items() if k != "tRCD"}}
    ),
    "power-down, whose timings are the speed's": config_of(WRITTEN | {"power_down_after": "100 cycles"}),
    "bliss": config_of({"scheduler": "bliss", "bliss_streak": 8}),
    "defaults written out": config_of({"bliss_streak": 4, "page_timeout": "200 cycles"}),
    "frames": config_of(period="20 ms", frames=2, jitter="1 ms"),
    "prefetcher": config_of(llc={"size": "64 KiB", "prefetch": "next_line", "prefetch_degree": 2}),
    "budget": config_of(bus={"masters": {"nvdla0": {"budget": "1 GB/s", "reclaim": True}}}),
}


@pytest.mark.parametrize("case", IDLE)
def test_a_key_that_another_overrides_is_named(case):
    config, key = IDLE[case]
    ((found, why),) = idle_keys(load(config))
    assert found == key
    assert why


@pytest.mark.parametrize("case", AT_WORK)
def test_a_key_that_has_an_effect_is_not(case):
    assert idle_keys(load(AT_WORK[case])) == []


def test_a_resolved_config_says_the_same_as_the_one_it_came_from(tmp_path):
    config = load(IDLE["speed beside clock and timing"][0])
    assert idle_keys(load(config)) == idle_keys(config)


def test_run_and_check_say_it(tmp_path, capsys):
    config, key = IDLE["timeout of an open page"]
    run = simulator.run(config)
    assert run.warnings[0] == f"{key} has no effect: page is not timeout or adaptive"
    run.save(tmp_path / "run", plots=False)
    check(tmp_path / "run/config.yaml")
    assert f"warning: {key} has no effect" in capsys.readouterr().err


def test_a_sweep_says_it_of_an_axis_before_and_of_one_that_made_no_difference_after():
    outcome = simulator.sweep(
        {
            "name": "idle",
            "base": config_of(WRITTEN),
            "axes": {
                "system.dram.standard": ["DDR3-1600", "DDR3-1066"],
                "system.dram.read_queue": [31, 32],
                "system.accelerators.nvdla0.clock": ["500 MHz", "1 GHz"],
            },
            "objectives": {"workloads.net.latency_s": "minimize"},
        }
    )
    assert outcome.idle["system.dram.standard"].startswith("clock and timing are written out")
    assert outcome.idle["system.dram.read_queue"] == "8 points, no column tells its values apart"
    assert "system.accelerators.nvdla0.clock" not in outcome.idle


def test_an_axis_of_one_value_is_not_said_to_be_idle():
    outcome = SweepOutcome("x", ["a", "b"], {"cost": "minimize"}, ["cost"])
    for a in (1, 1, 2):  # a value that is written twice
        outcome.add({"a": a, "b": 4}, {"cost": 1.0 * a}, feasible=True, error="")
    outcome.mark_idle()
    assert outcome.idle == {}
