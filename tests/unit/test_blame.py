"""blame.csv: which layer waited for whom, where and why, to the femtosecond."""

import json
from collections import Counter

import numpy as np
import pytest
from llm_helpers import BACKEND, FLASH, TINY

import simulator
from hw_models.port import REFRESH
from simulator.config.model import load
from simulator.kernel import driver, soc
from simulator.kernel.ledger import ENTRIES
from simulator.results.blame import blame_fs
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import answer, compiled, run_machine

CONV = {"conv": {"input": [16, 8, 8], "kernels": 16, "kernel": 3, "padding": 1}}
LAYERS = [CONV, {"pool": {"kernel": 2, "stride": 2}}, {"conv": {"kernels": 32, "kernel": 1}}]
SYSTEM = {
    "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
    "cores": {
        "core0": {"clock": "700 MHz", "l1": "4 KiB"},
        "core1": {"clock": "900 MHz", "l1": "4 KiB", "outstanding": 8, "writebacks": 8},
    },
    "interconnect": {"clock": "400 MHz", "width": "8 B", "latency": "5 cycles"},
    "llc": {"size": "16 KiB", "ways": 4, "mshrs": 6},
    "dram": {"standard": "DDR3-1600"},
}
NET = {"on": "nvdla0", "fallback": "core0", "layers": LAYERS}
WRITER = {"on": "core1", "kind": "bandwidth_write", "footprint": "64 KiB"}
SHARED_FLASH = {"preset": "m1_max_ssd", "writable": True, "channels": 1, "chips": 1, "blocks": 64}
FROM_FLASH = {"weights": "flash", "record": "100000 B", "chunk": "16 KiB"}


def config_of(system=(), workloads=None, corunners=(WRITER,), **simulation):
    return {
        "system": SYSTEM | dict(system),
        "workloads": workloads or {"net": NET | {"frames": 2}},
        "corunners": list(corunners),
        "simulation": {"max_time": "1 s"} | simulation,
    }


CASES = {
    "beside a co-runner": config_of(),
    "two channels, no LLC": config_of({"llc": None, "dram": {"standard": "DDR3-1600", "channels": 2}}),
    "own channels, many queued": config_of(
        {"interconnect": SYSTEM["interconnect"] | {"channels": "separate"}}
    ),
    "two jobs on one NVDLA": config_of(workloads={"a": NET, "b": NET | {"frames": 3, "period": "300 us"}}),
    "cut short": config_of(until="60 us"),
    "weights and record on a shared flash": config_of(
        {"flash": SHARED_FLASH}, {"a": NET | {"storage": FROM_FLASH}, "b": NET | {"storage": FROM_FLASH}}
    ),
}


def finished(config):
    machine = build_machine(load(config))
    return machine, result_of(machine, run_machine(machine))


@pytest.mark.parametrize("case", CASES)
def test_the_lines_add_up_to_the_interference_to_the_femtosecond(case):
    machine, result = finished(CASES[case])
    lines, whole = Counter(), Counter()
    for (victim, _, _, _, culprit, _, cause), waited_fs in blame_fs(machine).items():
        assert waited_fs > 0
        lines[victim, culprit, cause] += waited_fs
    names = machine.user_names
    for charges in machine.charges():
        for victim, culprit, cause in np.argwhere(charges.table):
            whose = "refresh" if culprit == REFRESH else names[culprit]
            waited_fs = int(charges.table[victim, culprit, cause]) * charges.period_fs
            whole[names[victim], whose, charges.causes[cause]] += waited_fs
    assert lines == whole
    told = {
        (victim, culprit, cause): seconds
        for victim, row in result.summary["interference"].items()
        for culprit, cell in row.items()
        for cause, seconds in cell["causes"].items()
    }
    assert told == {key: waited_fs * 1e-15 for key, waited_fs in lines.items()}


def test_lines_of_the_file_are_whole_femtoseconds_of_the_jobs_layers_and_frames():
    table = finished(CASES["beside a co-runner"])[1].blame
    assert set(zip(table["victim"], table["job"])) == {("nvdla0", "net"), ("core0", "net"), ("core1", "")}
    assert {f for f, job in zip(table["frame"], table["job"]) if job} == {0, 1}
    assert {f for f, job in zip(table["frame"], table["job"]) if not job} == {""}
    of_nvdla = {layer for victim, layer in zip(table["victim"], table["layer"]) if victim == "nvdla0"}
    assert of_nvdla == {"conv_0", "pool_1", "conv_2"}
    assert "core1" in table["culprit"]
    assert {"interconnect", "llc", "dram"} == set(table["level"])
    assert all(abs(t * 1e15 - round(t * 1e15)) < 0.01 for t in table["time_s"])


class Watcher:
    """Goes one event at a time: what an event charges is of the step that was the oldest before it."""

    def __init__(self, config):
        self.machine = machine = build_machine(load(config))
        self.oldest = [(-1, -1)] * len(machine.master_names)  # (step, frame) of each master
        self.waits_fs = Counter()  # (victim, step, frame) -> fs
        arguments, status = compiled(machine), soc.RUNNING
        self.before = self.totals()
        while status in (soc.RUNNING, soc.ASKS):
            status = soc.run(*arguments, 10**15, 1)
            if status == soc.ASKS:
                answer(machine)
            self.count()
            self.look()
        assert status == soc.DONE
        machine.clerk.close()
        self.count()  # of commands that DRAM had left for later

    def count(self):
        """Charge what has been charged since the last time."""
        after = self.totals()
        for victim, fs in enumerate(after - self.before):
            if fs:
                self.waits_fs[victim, *self.oldest[victim]] += int(fs)
        self.before = after

    def totals(self):
        tables = (each.table.sum(axis=(1, 2)) * each.period_fs for each in self.machine.charges())
        return sum(tables)[: len(self.machine.master_names)]

    def look(self):
        """Find each master's oldest step under way; without one the last stays."""
        machine = self.machine
        for plan in machine.plans:
            steps = range(plan.first_step, plan.first_step + plan.step_count)
            for victim in {machine.jobs[plan.index]["accelerator"], machine.jobs[plan.index]["core"]}:
                under_way = [
                    (int(machine.records[step]["began_fs"]), step)
                    for step in steps
                    if machine.records[step]["status"] == driver.RUNNING
                    and machine.records[step]["end_fs"] <= machine.records[step]["began_fs"]
                    and (machine.steps[step]["on"] == 1) == (victim == machine.jobs[plan.index]["core"])
                ]
                if under_way and self.oldest[victim][0] not in [step for _, step in under_way]:
                    self.oldest[victim] = min(under_way)[1], plan.frames_done(machine)


def test_each_step_is_charged_what_is_charged_while_it_is_the_oldest_of_its_master():
    conv = {"conv": {"input": [8, 4, 4], "kernels": 16, "kernel": 1}}
    config = config_of(workloads={"net": NET | {"layers": [conv, {"pool": {"kernel": 2}}], "frames": 2}})
    seen = Watcher(config)
    machine = seen.machine
    entries, charges = machine.clerk.entries(), machine.charges()
    booked = Counter()
    for e in entries[entries["table"] >= 0]:
        frame = int(e["frame"]) if e["step"] >= 0 else -1
        booked[int(e["victim"]), int(e["step"]), frame] += int(e["cycles"]) * charges[e["table"]].period_fs
    assert booked == seen.waits_fs
    assert len({step for _, step, _ in booked}) > 3


def test_a_full_ledger_is_emptied_on_the_way():
    config = CASES["beside a co-runner"]
    machine = build_machine(load(config))
    machine.ledger.used[0] = ENTRIES - 1  # of nothing
    wall_s = run_machine(machine)
    assert len(machine.clerk.pages) == 1
    machine.clerk.pages[0] = machine.clerk.pages[0][ENTRIES - 1 :]
    assert result_of(machine, wall_s).blame == finished(config)[1].blame


def test_backends_are_victims_and_culprits_on_a_shared_flash(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    chat = {"model": str(tmp_path), "prompt": 16, "tokens": 3, "offload": {"policy": "naive"}}
    system = {"backends": {"cpu0": BACKEND, "cpu1": BACKEND}, "flash": FLASH}
    jobs = {"a": chat | {"on": "cpu0"}, "b": chat | {"on": "cpu1"}}
    result = simulator.run({"system": system, "workloads": jobs})
    waits = Counter()
    for victim, culprit, level, s in zip(
        *(result.blame[n] for n in ("victim", "culprit", "level", "time_s"))
    ):
        assert level == "flash"
        waits[victim, culprit] += round(s * 1e15)
    assert waits["cpu0", "cpu1"] > 0
    told = {
        (victim, culprit): round(cell["delay_s"] * 1e15)
        for victim, row in result.summary["interference"].items()
        for culprit, cell in row.items()
    }
    assert told == waits
