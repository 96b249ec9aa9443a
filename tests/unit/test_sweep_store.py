"""Sweeps: nothing that ran is lost, whoever dies; points of other sources are not taken for ours."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from sweep_files import SWEEP

import simulator
from hw_models.errors import ConfigError
from simulator.cli import main as cli
from simulator.sweeps import execute, store, workers
from simulator.sweeps.show import config_of_point
from simulator.sweeps.store import store_of
from simulator.sweeps.workers import Lane, pool


def loaded(_config):
    """Tell whether a worker process has what simulates a point before it is given one."""
    return {"loaded": "simulator.single" in sys.modules}


def answer_of(config):
    """Stand in for `simulate_point` in a worker process: 1 is answered, 2 kills its process, 3 takes for ever."""
    what = config["what"]
    if what == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if what == 3:
        time.sleep(600)
    return {"summary": {"what": what}}


@pytest.fixture
def lanes(monkeypatch):
    monkeypatch.setattr(workers, "simulate_point", answer_of)
    monkeypatch.setattr(workers, "prepare_point", loaded)


def tasks(*whats):
    return [(str(i), {"what": what}) for i, what in enumerate(whats)]


def test_a_point_that_kills_its_process_is_an_error_and_the_others_go_on(lanes):
    with pool(2) as run:
        answers = dict(run(tasks(1, 1, 2, 1, 1)))
    assert answers.pop("2") == {"error": "its process died, 3 times; out of memory?"}
    assert answers == {key: {"summary": {"what": 1}} for key in ("0", "1", "3", "4")}


def test_a_point_that_takes_too_long_is_an_error_and_the_others_go_on(lanes):
    started = time.monotonic()
    with pool(2, point_timeout_s=3.0) as run:
        answers = dict(run(tasks(1, 3, 1, 1)))
    assert answers.pop("1") == {"error": "took longer than --point-timeout"}
    assert answers == {key: {"summary": {"what": 1}} for key in ("0", "2", "3")}
    assert time.monotonic() - started < 300


def test_a_time_limit_does_not_pay_for_the_start_of_a_worker(lanes):
    lane = Lane(loaded)
    try:
        lane.start(("0", {}))
        assert lane.future.result() == {"loaded": True}
    finally:
        lane.stop()


def slow_to_load(config):
    time.sleep(4)


def test_a_time_limit_does_not_pay_for_loading_kernels(lanes, monkeypatch):
    monkeypatch.setattr(workers, "prepare_point", slow_to_load)
    with pool(1, point_timeout_s=2.0) as run:
        answers = list(run(tasks(1, 1, 3, 1)))
    assert answers == [
        ("0", {"summary": {"what": 1}}),
        ("1", {"summary": {"what": 1}}),
        ("2", {"error": "took longer than --point-timeout"}),
        ("3", {"summary": {"what": 1}}),
    ]


@pytest.mark.parametrize("who", [{"workers": 0}, {"workers": 1, "scheduler": "tcp://127.0.0.1:1"}])
def test_a_time_limit_that_nobody_can_keep_is_refused(who):
    with (
        pytest.raises(ConfigError, match="--point-timeout: goes with processes of this machine"),
        pool(**who, point_timeout_s=1.0),
    ):
        pass


def test_a_slow_first_point_of_a_batch_holds_nobody_back(lanes):
    with pool(2, point_timeout_s=15.0) as run:
        order = [key for key, _ in run(tasks(1, 3, 1, 1))]
    assert order == ["0", "2", "3", "1"]


def wait_for_points(folder, config):
    """Stand in for `simulate_point`: one token takes until three other points are on disk."""
    tokens, end, there = config["workloads"]["chat"]["tokens"], time.monotonic() + 300, 0
    while tokens == 1 and there < 3 and time.monotonic() < end:
        time.sleep(0.05)
        there = len(list(folder.glob("points/*.json")))
    chat = {"latency_s": time.time(), "tokens": tokens, "s_per_token": there}
    return {"summary": {"workloads": {"chat": chat}}}


def test_a_point_is_on_disk_within_a_second_of_its_end_whatever_the_order(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "simulate_point", partial(wait_for_points, tmp_path / ".s.partial"))
    monkeypatch.setattr(workers, "prepare_point", loaded)
    simulator.sweep(SWEEP | {"axes": {"workloads.chat.tokens": [1, 2, 3, 4]}}, workers=2, out=tmp_path / "s")
    found, late_s = {}, []
    for path in (tmp_path / "s/points").glob("*.json"):
        chat = json.loads(path.read_text())["summary"]["workloads"]["chat"]
        found[chat["tokens"]] = chat["s_per_token"]
        late_s.append(path.stat().st_mtime - chat["latency_s"])
    assert found == {1: 3, 2: 0, 3: 0, 4: 0}  # the first in order came last
    assert min(late_s) < 1.0  # of four: a machine may be busy


ORPHAN = """
import sys, time
from simulator.sweeps.workers import Lane
if __name__ == "__main__":
    lane = Lane(time.sleep)
    lane.start(("0", 60))
    print(lane.pid, flush=True)
    time.sleep(60)
"""


def test_a_worker_ends_with_whoever_started_it(tmp_path):
    (tmp_path / "orphan.py").write_text(ORPHAN)
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "orphan.py")], stdout=subprocess.PIPE, text=True
    )
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and is_there(worker):
        time.sleep(0.1)
    assert not is_there(worker)


def is_there(pid):
    try:
        os.kill(pid, 0)
        return (
            Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
        )  # a container may have nobody to bury it
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_stopping_a_lane_ends_its_process(lanes):
    lane = Lane(answer_of)
    lane.start(("0", {"what": 3}))
    lane.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(lane.pid, 0)


@pytest.fixture
def counted(monkeypatch):
    """Answer every point at once; return how often each was asked for."""
    asked = []

    def answer(config):
        tokens = config["workloads"]["chat"]["tokens"]
        asked.append(tokens)
        if tokens == 3:
            return {"error": "three is too many"}
        return {
            "summary": {
                "workloads": {"chat": {"latency_s": 0.5 * tokens, "tokens": tokens, "s_per_token": 1}}
            }
        }

    monkeypatch.setattr(workers, "simulate_point", answer)
    return asked


def interrupt_after(monkeypatch, points):
    kept = store.Store.keep

    def keep(self, key, answer):
        kept(self, key, answer)
        if self.kept == points:
            raise KeyboardInterrupt

    monkeypatch.setattr(store.Store, "keep", keep)


def test_a_partial_folder_is_kept_or_dropped_only_when_asked(counted, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        with pytest.raises(KeyboardInterrupt) as interrupted:
            simulator.sweep(SWEEP, out=tmp_path / "s")
    assert interrupted.value.__notes__ == ["4 points are kept; --resume runs the rest"]
    with pytest.raises(ConfigError) as caught:
        simulator.sweep(SWEEP, out=tmp_path / "s")
    assert str(caught.value) == (
        f"{tmp_path}/.s.partial: holds 4 points of a sweep that did not end; --resume to keep them, "
        "--fresh to begin anew"
    )
    assert len(counted) == 4
    simulator.sweep(SWEEP, out=tmp_path / "s", fresh=True)
    assert len(counted) == 4 + 9
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s"]


def test_a_sweep_that_ended_before_its_first_point_holds_nobody_back(counted, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(workers, "simulate_point", interrupted)
        with pytest.raises(KeyboardInterrupt):
            simulator.sweep(SWEEP, out=tmp_path / "s")
    assert (tmp_path / ".s.partial").is_dir()
    simulator.sweep(SWEEP, out=tmp_path / "s")
    assert len(counted) == 9


def interrupted(*_arguments):
    raise KeyboardInterrupt


def test_an_interruption_while_the_page_is_written_says_how_many_points_are_kept(
    counted, tmp_path, monkeypatch
):
    monkeypatch.setattr(execute, "write_sweep_page", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        simulator.sweep(SWEEP, out=tmp_path / "s")
    assert caught.value.__notes__ == ["9 points are kept; --resume runs the rest"]


def test_what_an_interrupted_resumption_ran_is_not_lost_to_the_finished_sweep_s_points(
    counted, tmp_path, monkeypatch
):
    simulator.sweep(SWEEP, out=tmp_path / "s")
    monkeypatch.setattr(store, "sources_digest", lambda: "other")  # every point is to be simulated anew
    counted.clear()
    with monkeypatch.context() as patch:
        patch.setattr(execute, "write_sweep_page", interrupted)
        with pytest.raises(KeyboardInterrupt):
            simulator.sweep(SWEEP, out=tmp_path / "s", resume=True)
    assert len(counted) == 9
    assert simulator.sweep(SWEEP, out=tmp_path / "s", resume=True).stale == 0
    assert len(counted) == 9


def test_a_sweep_under_way_is_told_of_before_its_points_are(tmp_path):
    with store_of(tmp_path / "s", resume=False, fresh=False, retry_failed=False) as first:
        first.keep("0" * 24, {"error": ""})
        with pytest.raises(ConfigError, match="another sweep writes this folder"):
            store_of(tmp_path / "s", resume=False, fresh=False, retry_failed=False).__enter__()


def test_two_sweeps_do_not_write_one_folder(tmp_path):
    options = {"resume": True, "fresh": False, "retry_failed": False}
    with store_of(tmp_path / "s", **options):
        second = store_of(tmp_path / "s", **options)
        with pytest.raises(ConfigError) as caught:
            second.__enter__()
    assert str(caught.value).endswith(
        "another sweep writes this folder; wait for its end, or write another --out"
    )


def test_points_of_other_sources_and_broken_ones_are_simulated_anew_and_counted(counted, tmp_path):
    simulator.sweep(SWEEP, out=tmp_path / "s")
    first, second, *_ = sorted((tmp_path / "s/points").glob("*.json"))
    first.write_text(json.dumps(json.loads(first.read_text()) | {"sources": "older"}))
    second.write_text(second.read_text()[:20])
    before = len(counted)
    outcome = simulator.sweep(SWEEP, out=tmp_path / "s", resume=True)
    assert (outcome.stale, len(counted) - before) == (2, 2)


def test_failed_points_are_run_again_when_asked(counted, tmp_path):
    simulator.sweep(SWEEP, out=tmp_path / "s")
    del counted[:]
    simulator.sweep(SWEEP, out=tmp_path / "s", resume=True)
    assert counted == []
    simulator.sweep(SWEEP, out=tmp_path / "s", retry_failed=True)
    assert counted == [3, 3, 3]


def test_a_full_disk_is_one_line_and_what_was_kept_stays(counted, tmp_path, monkeypatch):
    replace, left = type(tmp_path).replace, [3]

    def full(self, target):
        if left[0] == 0:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "replace", full)
        with pytest.raises(ConfigError) as caught:
            simulator.sweep(SWEEP, out=tmp_path / "s")
    assert str(caught.value) == (
        f"{tmp_path}/.s.partial: cannot be written (no space left on device); 3 points are kept, "
        "make room and --resume"
    )
    assert len(list((tmp_path / ".s.partial/points").glob("*"))) == 3


def test_a_point_s_config_can_be_shown_and_run(counted, tmp_path):
    simulator.sweep(SWEEP, out=tmp_path / "s")
    text = config_of_point([str(tmp_path / "s"), "4"])
    assert "tokens: 2" in text
    (tmp_path / "point.yaml").write_text(text)
    from simulator.config.model import config_sha256, load

    row = simulator.sweep(SWEEP).rows[4]
    assert config_sha256(load(tmp_path / "point.yaml")) == row["config_sha256"]
    for arguments, said in (
        ([str(tmp_path / "s"), "12"], "'12' is no point of it; write 0 to 8"),
        ([], "write the"),
    ):
        with pytest.raises(ConfigError, match=said):
            config_of_point(arguments)


def test_a_sweep_in_which_every_point_failed_exits_with_1(tmp_path, monkeypatch, capsys):
    from simulator.config.yaml_lines import yaml_text

    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(
        yaml_text({**SWEEP, "axes": {"workloads.chat.prompt": [2000, 2001], "workloads.chat.tokens": [100]}})
    )
    monkeypatch.setattr("sys.argv", ["dlasim", "sweep", "s.yaml", "--no-progress"])
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert done.value.code == 1
    assert "2 failed" in capsys.readouterr().out
