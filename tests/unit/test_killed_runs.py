"""Killed at any moment, a command leaves its folder whole or absent, and nothing that the next one does not clear."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from forks import ended, forked

import simulator
from simulator.report.write import write_run
from simulator.results.run_folder import new_folder, prepare_out, read_run
from simulator.sweeps import execute, workers
from simulator.sweeps.workers import pool as real_pool

KILLS = {"run": 3, "trace": 3, "report": 1, "validate": 1, "sweep": 3}
MANY = 100
CONFIG = Path(simulator.__file__).parent.parent / "configs" / "nv_small_tiny.yaml"
DRAM = CONFIG.parent / "dram" / "ddr4_2400_ramulator2.yaml"
SWEEP = """
base: base.yaml
axes:
  simulation.seed: [1, 2, 3, 4, 5, 6]
objectives: {simulation.events: minimize}
"""


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """Compile and import here what each copy would else do for itself."""
    write_run(simulator.run(CONFIG), tmp_path_factory.mktemp("warm") / "run")


@pytest.fixture
def commands(warm, tmp_path, monkeypatch):
    """Return by name the arguments of a command, what it writes, and a look at that."""
    monkeypatch.setattr(workers, "simulate_point", lambda config: {"summary": {"simulation": {"events": 3}}})
    monkeypatch.setattr(execute, "pool", lambda workers, *_: real_pool(0))
    (tmp_path / "base.yaml").write_text(CONFIG.read_text())
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "requests.trc").write_text("".join(f"0x{64 * i:x} READ {9 * i}\n" for i in range(20_000)))
    run, report = tmp_path / "run", tmp_path / "reported"
    assert ended(forked(["run", CONFIG, "--out", report, "--no-plots"])) == 0
    return {
        "run": (["run", CONFIG, "--out", run], run, whole_run),
        "trace": (["trace", "dram", DRAM, tmp_path / "requests.trc", "--out", run], run, whole_trace),
        "report": (["report", report], report, whole_report),
        "validate": (["validate", "networks", "--out", tmp_path / "n.csv"], tmp_path / "n.csv", whole_table),
        "sweep": (["sweep", tmp_path / "sweep.yaml", "--out", run, "--fresh"], run, whole_sweep),
    }


def whole_run(out):
    assert read_run(out).summary["workloads"]
    assert (out / "report.html").read_text().endswith("</html>\n")
    assert len(list((out / "plots").iterdir())) == 5


def whole_trace(out):
    assert len((out / "requests.csv").read_text().splitlines()) == 20_001
    assert (out / "summary.json").read_text().endswith("}\n")


def whole_report(out):
    assert read_run(out).summary["workloads"]
    if (out / "report.html").exists():
        assert (out / "report.html").read_text().endswith("</html>\n")


def whole_table(out):
    assert len(out.read_text().splitlines()) == 76


def whole_sweep(out):
    assert len((out / "results.csv").read_text().splitlines()) == 7
    assert len(list((out / "points").iterdir())) == 6


def killed_at_any_moment(commands, name, tmp_path, kills):
    arguments, out, look = commands[name]
    before = {path.name for path in tmp_path.iterdir()}
    started = time.monotonic()
    assert ended(forked(arguments)) == 0
    whole_s = time.monotonic() - started
    rng = random.Random(1)
    for _ in range(kills):
        pid = forked(arguments)
        time.sleep(rng.uniform(0, 1.1 * whole_s))
        os.kill(pid, signal.SIGKILL)
        ended(pid)
        if out.exists():
            look(out)
    assert ended(forked(arguments)) == 0
    look(out)
    assert {path.name for path in tmp_path.iterdir()} == before | {out.name}
    assert out.is_file() or list(out.rglob(".*")) == []


@pytest.mark.parametrize("name", KILLS)
def test_a_killed_command_leaves_its_folder_whole_or_absent(commands, name, tmp_path):
    killed_at_any_moment(commands, name, tmp_path, KILLS[name])


@pytest.mark.slow
@pytest.mark.skipif("DLASIM_SLOW" not in os.environ, reason="a hundred kills each: DLASIM_SLOW=1")
@pytest.mark.parametrize("name", KILLS)
def test_a_hundred_killed_commands_leave_theirs(commands, name, tmp_path):
    killed_at_any_moment(commands, name, tmp_path, MANY)


def test_an_old_run_that_was_moved_aside_comes_back(tmp_path):
    """The moment between two renames: the old run is aside, the new one not yet in place."""
    aside = tmp_path / ".run.old.abcdefgh"
    (aside / "old").mkdir(parents=True)
    (aside / "old" / "summary.json").write_text("{}")
    prepare_out(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (tmp_path / "run" / "summary.json").read_text() == "{}"


def test_what_another_process_writes_is_left_to_it(tmp_path):
    with new_folder(tmp_path / "run") as folder:
        prepare_out(tmp_path / "run")
        assert folder.is_dir()
        (folder / "summary.json").write_text("{}")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
