"""`dlasim fuzz`: the generator draws what runs, each invariant can fail, shrinking keeps the failure."""

from collections import Counter
from copy import deepcopy
from random import Random

import numpy as np
import pytest

from hw_models.units import FS
from simulator.config.model import load
from simulator.fuzz import command
from simulator.fuzz.case import FAILURES, OK, REFUSED, STUCK, VIOLATION, run_case
from simulator.fuzz.generate import accepted, apply, draw_case
from simulator.fuzz.invariants import violations
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

CASES = 24
SMALL = {
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_small"}},
        "interconnect": {"width": "8 B"},
        "dram": {"standard": "DDR3-1600"},
    },
    "workloads": {
        "j0": {"on": "nvdla0", "layers": [{"conv": {"input": [5, 4, 8], "kernels": 8, "kernel": "1x1"}}]}
    },
}


@pytest.fixture(scope="module")
def ran():
    machine = build_machine(load(SMALL))
    return machine, result_of(machine, run_machine(machine))


def test_random_socs_keep_every_invariant():
    """A few dozen of the cases that `dlasim fuzz --seed 1` runs by the thousand."""
    for number in range(CASES):
        config = apply(*draw_case(Random(1_000_003 + number)))
        answer = run_case(config)
        assert answer["outcome"] not in FAILURES, (number, answer, config)


def test_a_seed_draws_the_same_cases_and_most_have_changes():
    first, again = ([draw_case(Random(n)) for n in range(8)] for _ in range(2))
    assert first == again
    assert all(accepted(apply(*case)) for case in first)
    changed = Counter(keys[:2] for _, changes in first for keys, _ in changes)
    assert len(changed) >= 4


def test_a_run_keeps_all(ran):
    assert violations(*ran) == []


def changed_summary(path, value):
    def change(machine, result):
        node = result.summary
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value

    return change


def changed_column(name, value):
    def change(machine, result):
        result.ops[name][0] = value

    return change


def no_row_closed(machine, result):
    machine.channels[0]["activates"] += 1


def an_answer_lost(machine, result):
    machine.measures[0]["answered_reads"] -= 8


def an_answer_twice(machine, result):
    machine.measures[0]["answered_writes"] += 8


def faster_than_its_array(machine, result):
    machine.latencies[0, 0] = 1


DOCTORED = {
    "negative": (
        changed_summary(("simulation", "simulated_s"), -1.0),
        "summary.simulation.simulated_s = -1.0",
    ),
    "endless": (
        changed_summary(("simulation", "requests"), float("inf")),
        "summary.simulation.requests = inf",
    ),
    "share": (changed_summary(("workloads", "j0", "mac_utilization"), 1.5), "mac_utilization = 1.5, above 1"),
    "operation": (changed_column("cycles", -3), "ops.cycles has -3"),
    "order": (changed_column("start_s", 1.0), "an operation ends before it starts"),
    "rows": (no_row_closed, "rows opened and not closed"),
    "lost": (an_answer_lost, "nvdla0: 8 B of reads never answered"),
    "twice": (an_answer_twice, "of writes answered"),
    "bound": (faster_than_its_array, f"j0: a frame of {FS} s, its MACs take"),
}


@pytest.mark.parametrize("name", DOCTORED)
def test_each_invariant_can_fail(name, ran):
    machine, result = ran
    kept = {key: np.copy(getattr(machine, key)) for key in ("measures", "latencies")}
    channels = machine.channels.copy()
    doctored = deepcopy(result)
    doctor, told = DOCTORED[name]
    doctor(machine, doctored)
    found = violations(machine, doctored)
    for key, value in kept.items():
        getattr(machine, key)[...] = value
    machine.channels[...] = channels
    assert len(found) == 1
    assert told in found[0]


def test_refused_is_no_failure():
    assert run_case({"system": {"cores": 3}})["outcome"] == REFUSED
    assert REFUSED not in FAILURES


def test_shrinking_keeps_the_failure(monkeypatch):
    """What stays of a case is what its failure needs: here, the scheduler."""

    def fails_with_fcfs(config):
        found = config["system"]["dram"].get("scheduler") == "fcfs"
        return {"outcome": STUCK if found else OK, "said": ""}

    def here(workers, **_):
        return real_pool(0, function=fails_with_fcfs)

    real_pool = command.pool
    monkeypatch.setattr(command, "pool", here)
    data = SMALL | {"corunners": [], "simulation": {"seed": 3}}
    changes = [
        (("system", "dram", "read_queue"), 7),
        (("system", "dram", "scheduler"), "fcfs"),
        (("system", "interconnect", "queue"), 2),
    ]
    smaller = command.shrink((data, changes), STUCK)
    assert smaller["system"]["dram"] == {"standard": "DDR3-1600", "scheduler": "fcfs"}
    assert "interconnect" not in smaller["system"]


def test_a_failing_case_is_a_row_and_a_config(monkeypatch, tmp_path, capsys):
    def always(config):
        return {"outcome": VIOLATION, "said": "as the test says"}

    real_pool = command.pool
    monkeypatch.setattr(command, "pool", lambda workers, **_: real_pool(0, function=always))
    monkeypatch.setattr(command, "compile_kernels", lambda config: None)
    assert command.run_fuzz(2, 5, tmp_path / "out") == 2
    rows = (tmp_path / "out" / "results.csv").read_text().splitlines()
    assert rows == [
        "case,seed,outcome,said",
        "0,5,violation,as the test says",
        "1,5,violation,as the test says",
    ]
    assert accepted(load(tmp_path / "out" / "violation_1.yaml").model_dump(by_alias=True, mode="json"))
    assert capsys.readouterr().out == "cases=2 stuck=0 timeouts=0 errors=0 violations=2\n"
