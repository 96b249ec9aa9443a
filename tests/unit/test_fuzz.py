"""`dlasim fuzz`: the generator draws what runs, each invariant can fail, shrinking keeps the failure."""

import csv
import os
import signal
import subprocess
import sys
import time
from copy import deepcopy

import numpy as np
import pytest

from hw_models.units import FS
from simulator.config.model import load
from simulator.config.yaml_lines import parse_text
from simulator.fuzz import command, relations, shapes
from simulator.fuzz import shrink as shrinking
from simulator.fuzz.case import FAILURES, OK, REFUSED, STUCK, TIMEOUT, VIOLATION, run_case
from simulator.fuzz.generate import accepted, draw_case
from simulator.fuzz.invariants import violations
from simulator.simulate import result_of
from simulator.soc.build import build_machine
from simulator.soc.run import run_machine

CASES = 200
MANY = 8  # of a series, to look at what is drawn
SMALL = {
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_small"}},
        "interconnect": {"width": "8 B"},
        "llc": {"size": "16 KiB"},
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
    """The first of the cases that `dlasim fuzz --seed 1` runs by the thousand."""
    for number in range(CASES):
        answer = run_case(draw_case(1, number), elsewhere=number == 0)
        assert answer["outcome"] not in FAILURES, (number, answer)


def test_a_seed_draws_the_same_cases_which_can_all_be_run():
    first, again = ([draw_case(1, number) for number in range(MANY)] for _ in range(2))
    assert first == again
    assert all(accepted(config) for config in first)
    assert draw_case(2, 0) != draw_case(1, 0)


@pytest.mark.parametrize("shape", shapes.SHAPES, ids=lambda shape: shape.__name__)
def test_every_shape_gives_configs_that_can_be_run(shape):
    assert sum(accepted(shape(shapes.Random(seed))) for seed in range(20)) >= 5


def test_hubs_are_drawn_with_all_that_their_order_depends_on():
    systems = [shapes.coherent(shapes.Random(seed)) for seed in range(40)]
    parts = [config["system"] for config in systems]
    buses = [system["interconnect"] for system in parts]
    ports = [port for bus in buses for port in bus["masters"].values()]
    kinds = {walk["kind"] for config in systems for walk in config["corunners"]}
    assert {bus["hub"]["trackers"] for bus in buses} >= {1, 2, 4, 8}
    assert (
        {"write_lead" in bus["hub"] for bus in buses}
        == {bus["cut_through"] for bus in buses}
        == {True, False}
    )
    assert (
        {port.get("caching", False) for port in ports} == {"fifo" in port for port in ports} == {True, False}
    )
    assert {"llc" in system for system in parts} == {bool(system["accelerators"]) for system in parts}
    assert {system.get("dram", {}).get("entry_width") for system in parts} == {"8 B", None}
    assert {len(clocks_of(system)) == 1 for system in parts} == {True, False}
    assert kinds == {"bandwidth_read", "bandwidth_write"}
    drawn = [draw_case(1, number)["system"].get("interconnect") or {} for number in range(CASES)]
    assert (
        sum(
            "hub" in bus and any("caching" in port for port in bus.get("masters", {}).values())
            for bus in drawn
        )
        > 10
    )


def clocks_of(system):
    return {part["clock"] for kind in ("accelerators", "cores") for part in system[kind].values()}


def test_a_saved_call_that_shows_is_told(monkeypatch, ran):
    """The relation can fail: here, the run with every call has a slower interconnect, too."""

    def make_other(machine):
        machine.nodes.buses["bus"]["latency"] += 1

    monkeypatch.setattr(relations, "make_every_call", make_other)
    told = relations.relations(*ran, elsewhere=False)
    assert told == ["with every call made that the event loop saves, the run is another"]


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


def faster_than_its_port(machine, result):
    machine.latencies[0, 0] = 25 * 10**6  # 20 cycles of multiply-accumulates


def a_byte_lost_on_the_way(machine, result):
    machine.measures[0]["read_bytes"] += 8
    machine.measures[0]["answered_reads"] += 8


def counted(table, *place):
    def change(machine, result):
        rows = getattr(machine, table)
        rows[place[0]][0][place[1:]] += 1

    return change


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
    "port": (faster_than_its_port, "its bytes take"),
    "level": (a_byte_lost_on_the_way, "nvdla0 to interconnect: "),
    "next level": (counted("caches", "access_bytes", 0), "interconnect to llc: "),
    "access": (counted("caches", "hits", 0), "hits, misses and merges of nvdla0, "),
    "charges of the bus": (counted("buses", "blame", 0, 0, 0), "interconnect: "),
    "charges of the LLC": (counted("caches", "blame", 0, 0, 0), "llc: "),
    "charges of DRAM": (counted("channels", "blame", 0, 0, 0), "channel 0: "),
}


@pytest.mark.parametrize("name", DOCTORED)
def test_each_invariant_can_fail(name, ran):
    machine, result = ran
    names = ("measures", "latencies", "buses", "caches", "channels")
    kept = {name: np.copy(getattr(machine, name)) for name in names}
    doctored = deepcopy(result)
    doctor, told = DOCTORED[name]
    doctor(machine, doctored)
    found = violations(machine, doctored)
    for key, value in kept.items():
        getattr(machine, key)[...] = value
    assert len(found) == (2 if name == "bound" else 1)  # faster than its port, too
    assert told in found[0]


def test_refused_is_no_failure():
    assert run_case({"system": {"cores": 3}})["outcome"] == REFUSED
    assert REFUSED not in FAILURES


def test_a_lone_master_that_is_slower_alone_is_told(monkeypatch):
    """The relation can fail: here, the co-runner has made it faster."""
    monkeypatch.setattr(relations, "ANOMALY_FS", 0)
    config = deepcopy(SMALL)
    del config["system"]["llc"]
    config["system"]["cores"] = {"core0": {"clock": "1 GHz"}}
    config["corunners"] = [{"on": "core0", "footprint": "4 KiB"}]
    machine = build_machine(load(config))
    result = result_of(machine, run_machine(machine))
    assert relations.relations(machine, result, elsewhere=False) == []
    machine.finished[0, 0] //= 100
    told = relations.relations(machine, result, elsewhere=False)
    assert [clause.split(" the only job")[0] for clause in told] == [
        "without co-runners",
        "with DRAM of twice the clock",
    ]


def test_a_case_that_takes_too_long_is_a_timeout():
    core = {"clock": "1 GHz", "outstanding": 16}
    system = {"cores": {"core0": core}, "memory": {}}
    endless = {
        "system": system,
        "corunners": [{"on": "core0", "footprint": "1 MiB"}],
        "simulation": {"until": "2 s"},
    }
    started = time.monotonic()
    assert run_case(endless, limit_s=0.3) == {"outcome": TIMEOUT, "said": "0.3 s of wall time passed"}
    assert time.monotonic() - started < 30  # minutes, without a limit


def test_a_digest_tells_runs_apart_and_not_processes():
    first = run_case(SMALL, elsewhere=True)
    assert (first["outcome"], first["said"]) == (OK, "")
    slower = deepcopy(SMALL)
    slower["system"]["interconnect"]["latency"] = "40 cycles"
    assert run_case(slower)["digest"] != first["digest"]


def test_shrinking_keeps_the_failure_and_nothing_else(monkeypatch):
    """What stays of a case is what its failure needs: here, the scheduler."""

    def fails_with_fcfs(config, **_):
        found = config["system"].get("dram", {}).get("scheduler") == "fcfs"
        return {"outcome": STUCK if found else OK, "said": ""}

    monkeypatch.setattr(shrinking, "run_case", fails_with_fcfs)
    data = deepcopy(SMALL) | {"corunners": [], "simulation": {"seed": 3}}
    data["system"]["dram"] |= {"read_queue": 7, "scheduler": "fcfs"}
    assert shrinking.shrink(data, STUCK) == {
        "system": {"dram": {"standard": "DDR3-1600", "scheduler": "fcfs"}}
    }


def in_this_process(monkeypatch, function):
    real_pool = command.pool
    monkeypatch.setattr(command, "pool", lambda workers, **_: real_pool(0, function=function))
    monkeypatch.setattr(command, "compile_kernels", lambda config: None)


def test_a_failing_case_is_a_row_and_a_config(monkeypatch, tmp_path, capsys):
    def always(task):
        if "outcome" in task:
            return {"config": SMALL}
        return {
            "outcome": VIOLATION,
            "said": f"as the test says, {task['case']}",
            "requests": 3,
            "digest": "ab",
        }

    in_this_process(monkeypatch, always)
    assert command.run_fuzz(2, 5, tmp_path / "out") == 2
    rows = (tmp_path / "out" / "results.csv").read_text().splitlines()
    assert rows == [
        "case,seed,outcome,requests,digest,said",
        '0,5,violation,3,ab,"as the test says, 0"',
        '1,5,violation,3,ab,"as the test says, 1"',
    ]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"results.csv", "violation_0.yaml"}
    text = (tmp_path / "out" / "violation_0.yaml").read_text()
    assert parse_text(text, "violation_0.yaml").data == SMALL
    assert capsys.readouterr().out == "cases=2 stuck=0 timeouts=0 errors=0 violations=2\n"


def test_an_interrupted_series_keeps_its_rows(monkeypatch, tmp_path):
    def third_is_interrupted(task):
        if task["case"] == 2:
            raise KeyboardInterrupt
        return {"outcome": OK, "said": ""}

    in_this_process(monkeypatch, third_is_interrupted)
    with pytest.raises(KeyboardInterrupt):
        command.run_fuzz(9, 1, tmp_path / "out")
    with (tmp_path / "out" / "results.csv").open() as file:
        assert [row["case"] for row in csv.DictReader(file)] == ["0", "1"]


def test_a_killed_series_keeps_its_rows(tmp_path):
    """As a user runs it, with two workers; killed without a warning."""
    out = tmp_path / "out"
    arguments = ["-m", "simulator.cli.main", "fuzz", "--cases", "100000", "--workers", "2", "--out", str(out)]
    process = subprocess.Popen([sys.executable, *arguments], start_new_session=True)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and len(rows_of(out)) < 4:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert len(rows_of(out)) >= 4
    assert {row["outcome"] for row in rows_of(out)} <= {"ok", "slow"}


def rows_of(out):
    if not (out / "results.csv").exists():
        return []
    lines = (out / "results.csv").read_text().splitlines()
    return list(csv.DictReader(lines))
