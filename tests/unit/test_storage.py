"""The shared flash device: what it moves, in which order, and who waits for whom."""

import json

import pytest
from llm_helpers import TINY

import simulator
from hw_models.errors import ConfigError
from hw_models.flash.reader import Reader
from simulator.config.model import load
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine
from workloads.program import On

FLASH = {"preset": "m1_max_ssd", "writable": True, "channels": 1, "chips": 1, "blocks": 64}
SYSTEM = {
    "accelerators": {
        "nvdla0": {"preset": "nv_small", "clock": "500 MHz"},
        "nvdla1": {"preset": "nv_small", "clock": "500 MHz"},
    },
    "interconnect": {"clock": "500 MHz", "width": "8 B", "latency": "4 cycles"},
    "memory": {"bandwidth": "16 B/cycle", "latency": "50 cycles"},
    "flash": FLASH,
}
CONV = {"input": [16, 8, 8], "kernels": 64, "kernel": "3x3", "padding": 1}
LAYERS = [{"conv": CONV}, {"conv": {"kernels": 128, "kernel": "3x3", "padding": 1}}]
STORAGE = {"weights": "flash", "record": "200000 B", "chunk": "16 KiB"}


def net(on="nvdla0", **keys):
    return {"on": on, "layers": LAYERS, "storage": STORAGE} | keys


def config_of(workloads, **system):
    return {"system": SYSTEM | system, "workloads": workloads, "simulation": {"max_time": "1 s"}}


def machine_of(workloads, **system):
    machine = build_machine(load(config_of(workloads, **system)))
    run_machine(machine)
    return machine


def test_what_the_jobs_ask_for_is_what_the_device_and_the_dma_move():
    machine = machine_of({"a": net(frames=2), "b": net("nvdla1")})
    frames = sum(
        plan.frames * int(machine.storage.batches[step["index"]].transfers["bytes"].sum())
        for plan in machine.plans
        for step in machine.steps[plan.first_step : plan.first_step + plan.step_count]
        if step["on"] == On.FLASH
    )
    device, dma = machine.storage.state, machine.measures[2 + machine.storage.dma]
    assert int(device["read_bytes"] + device["write_bytes"]) == frames
    assert abs(int(dma["write_bytes"]) - int(device["read_bytes"])) < 64 * int(device["requests"])
    assert abs(int(dma["read_bytes"]) - int(device["write_bytes"])) < 64 * int(device["requests"])
    assert int(device["write_bytes"]) == 3 * 200_000
    assert machine.storage.waits() == []


def test_an_operation_starts_when_its_weights_are_there_and_fetches_run_ahead():
    machine = machine_of({"a": net()})
    plan = machine.plans[0]
    ends, begins = {}, []
    for k in range(plan.step_count):
        step, record = machine.steps[k], machine.records[k]
        if step["on"] == On.FLASH and not machine.storage.batches[step["index"]].write:
            begins.append(int(record["start_fs"]))
            for row in machine.storage.batches[step["index"]].transfers:
                ends[int(row["dram_address"])] = int(record["end_fs"])
        elif step["on"] == On.ACCELERATOR and machine.fleets["nvdla"].ops[step["index"]]["weight_bytes"]:
            assert ends[int(machine.fleets["nvdla"].ops[step["index"]]["weights"])] <= int(record["start_fs"])
    assert len(set(ends.values())) == 2
    first_op = next(k for k in range(plan.step_count) if machine.steps[k]["on"] == On.ACCELERATOR)
    assert max(begins) < int(machine.records[first_op]["end_fs"])


def test_alone_the_device_takes_what_it_takes_for_the_same_reads_by_themselves():
    machine = machine_of({"a": net(storage={"weights": "flash", "threads": 4})})
    plan, steps = machine.plans[0], machine.steps
    first = next(k for k in range(plan.step_count) if steps[k]["on"] == On.FLASH)
    rows = machine.storage.batches[steps[first]["index"]].transfers
    start, end = (int(machine.records[first][name]) for name in ("start_fs", "end_fs"))
    done = Reader(machine.storage.params).batch(
        rows["address"].copy(), rows["bytes"].copy(), threads=4, start_ps=-(-start // 1000)
    )
    dma_fs = int(rows["bytes"].sum()) * 10**15 // 4_000_000_000 + 10**9  # 4 GB/s, and 1 us to begin
    assert 0 <= end - int(done.max()) * 1000 <= dma_fs


def flash_causes(summary, victim, culprit):
    causes = summary["interference"][victim].get(culprit, {"causes": {}})["causes"]
    return {name for name in causes if name.startswith("flash_")}


FAST = {"read_time": "5 us", "link_rate": "1 GB/s", "host": {"serial": "1 us"}}
STATIONS = [  # a device, and what jobs that share it wait for
    ({}, {"flash_bank_busy", "flash_bus_busy", "flash_host_busy"}),
    ({"queue_depth": 3}, {"flash_queue_full"}),
    (FAST, {"flash_link_busy", "flash_dma_busy"}),
]


@pytest.mark.parametrize(("device", "causes"), STATIONS)
def test_two_jobs_wait_for_each_other_at_every_station(device, causes):
    jobs = {"a": net(frames=3), "b": net("nvdla1", frames=3)}
    summary = simulator.run(config_of(jobs, flash=FLASH | device)).summary
    assert flash_causes(summary, "nvdla0", "nvdla1") >= causes
    assert flash_causes(summary, "nvdla1", "nvdla0") >= causes


@pytest.mark.parametrize("idle", ["nvdla0", "nvdla1"])
def test_who_leaves_flash_alone_is_charged_with_nothing_there(idle):
    """Its number does not matter: the first master must not stand in for "nobody"."""
    jobs = {"a": net(), "b": net("nvdla1")}
    jobs["ab"[int(idle[-1])]]["storage"] = {"weights": "dram"}
    busy = "nvdla1" if idle == "nvdla0" else "nvdla0"
    summary = simulator.run(config_of(jobs)).summary
    assert flash_causes(summary, busy, busy) > {"flash_bank_busy", "flash_host_busy"}
    assert flash_causes(summary, busy, idle) == flash_causes(summary, idle, busy) == set()
    assert flash_causes(summary, idle, idle) == set()


def test_time_in_use_counts_requests_that_are_under_way_when_the_run_is_cut():
    config = config_of({"a": net()}) | {"simulation": {"until": "100 us"}}
    flash = simulator.run(config).summary["flash"]
    assert 50e-6 < flash["busy_s"] <= 100e-6
    assert flash["requests"] > 0


def test_steps_that_overlap_are_on_tracks_of_their_own():
    result = simulator.run(config_of({"a": net(), "b": net("nvdla1")}))
    names = {e["tid"]: e["args"]["name"] for e in result.timeline if e["name"] == "thread_name"}
    assert {"flash", "flash (2)"} < set(names.values())
    ends = dict.fromkeys(names, 0.0)
    for event in sorted((e for e in result.timeline if e.get("cat") == "op"), key=lambda e: e["ts"]):
        assert event["ts"] >= ends[event["tid"]] - 1e-6
        ends[event["tid"]] = event["ts"] + event["dur"]


def test_a_model_beside_a_network_runs_its_prompt_and_counts_it_apart(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    jobs = {}
    for prompt in (4, 64):
        chat = {"model": str(path), "on": "gpu0", "prompt": prompt, "tokens": 2}
        config = config_of({"a": net(), "chat": chat}, backends={"gpu0": {"preset": "m1_max_metal"}})
        jobs[prompt] = simulator.run(config).summary["workloads"]["chat"]
    for job in jobs.values():
        prefill_s = job["phases"]["prefill_s"]
        assert 0 < prefill_s < job["latency_s"]
        assert job["s_per_token"] == pytest.approx((job["latency_s"] - prefill_s) / 2)
    assert jobs[64]["phases"]["prefill_s"] > jobs[4]["phases"]["prefill_s"]
    assert jobs[64]["s_per_token"] == pytest.approx(jobs[4]["s_per_token"], rel=0.2)


def test_kernels_are_compiled_before_the_clock_runs():
    machine = build_machine(load(config_of({"a": net()})))
    before = [machine.storage.state.tobytes(), machine.cores.tobytes(), machine.jobs.tobytes()]
    machine.storage.load_kernels()
    assert before == [machine.storage.state.tobytes(), machine.cores.tobytes(), machine.jobs.tobytes()]


def test_the_order_in_which_jobs_are_listed_changes_nothing():
    jobs = {"a": net(), "b": net("nvdla1")}
    first = simulator.run(config_of(jobs)).summary
    second = simulator.run(config_of(dict(reversed(jobs.items())))).summary
    for summary in (first, second):
        for name in ("wall_s", "requests_per_wall_s", "config_sha256"):
            del summary["simulation"][name]
    assert first == second


ERRORS = [
    ({"flash": None}, {}, "asks for flash, and there is none; write system.flash"),
    (
        {"flash": FLASH | {"writable": False}},
        {},
        "system.flash.writable: records, and the device can only be read; write writable: true",
    ),
    (
        {"accelerators": {"flash": {"preset": "nv_small", "clock": "500 MHz"}}},
        {"on": "flash"},
        "'flash' is the name of the DMA of flash; choose another",
    ),
    ({}, {"storage": {"record": "20 GiB"}}, "needs 21474836480 B on flash"),
]


@pytest.mark.parametrize(("system", "job", "said"), ERRORS)
def test_a_config_that_cannot_be_is_told_so(system, job, said):
    with pytest.raises(ConfigError, match=said):
        build_machine(load(config_of({"a": net(**job)}, **system)))
