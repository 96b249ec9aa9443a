"""Told to end, or out of time, a command ends within a second in every phase, with one line, and leaves nothing."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forks import ended, forked

import simulator
from simulator.report import write

SOON_S = 10.0  # a second, on a machine that has other things to do
CONFIG = Path(simulator.__file__).parent.parent / "configs" / "nv_small_tiny.yaml"
ENDLESS = """
system:
  cores: {core0: {clock: 1 GHz, outstanding: 8}, core1: {clock: 1 GHz, outstanding: 8}}
  interconnect: {}
  dram: {standard: DDR4-2400}
corunners:
  - {on: core0, kind: bandwidth_write, footprint: 8 MiB}
  - {on: core1, kind: bandwidth_read, footprint: 8 MiB}
simulation: {until: 5 s, max_time: 10 s}
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
IN_C = """
import hashlib, sys
from pathlib import Path
from simulator.cli.signals import listen
from simulator.under_way import PATHS
listen()
PATHS.add(Path(sys.argv[1]))
print("ready", flush=True)
hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)
"""


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    """Return a config that runs for minutes; its kernels are loaded here, so that a copy begins at once."""
    path = tmp_path_factory.mktemp("endless") / "endless.yaml"
    path.write_text(ENDLESS)
    simulator.run(path, set={"simulation.until": "1 us"})
    return path


def cpu_s(pid):
    """Return the CPU seconds that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told_to_end(pid, number, when):
    """Send a signal once ``when()``; return (exit code, seconds that the process took to end)."""
    end = time.monotonic() + 120
    while not when() and time.monotonic() < end:
        time.sleep(0.1)
    os.kill(pid, number)
    started = time.monotonic()
    code = ended(pid)
    return code, time.monotonic() - started


@pytest.mark.parametrize("number", CODES)
def test_in_a_kernel(endless, tmp_path, number):
    pid = forked(["run", endless, "--out", tmp_path / "run"], tmp_path / "said")
    code, took_s = told_to_end(pid, number, lambda: cpu_s(pid) > 1.5)
    assert code == CODES[number]
    assert took_s < SOON_S
    said = (tmp_path / "said").read_text()
    assert re.fullmatch(rf"error: ended by {number.name} with \d+ % done, [0-9.]+ [mun]?s simulated\n", said)
    assert {path.name for path in tmp_path.iterdir()} == {"said"}


def test_while_files_are_written(endless, tmp_path, monkeypatch):
    def half(result, folder):
        (folder / "half").write_text("x")
        time.sleep(60)

    monkeypatch.setattr(write, "write_data", half)
    arguments = ["run", endless, "--set", "simulation.until=1 us", "--out", tmp_path / "run"]
    pid = forked(arguments, tmp_path / "said")
    code, took_s = told_to_end(pid, signal.SIGTERM, lambda: list(tmp_path.rglob("half")))
    assert code == 143
    assert took_s < SOON_S
    assert {path.name for path in tmp_path.iterdir()} == {"said"}


@pytest.mark.parametrize("number", CODES)
def test_in_a_long_call_of_another_language(tmp_path, number):
    """As in the compiler: the main thread hears of nothing until it returns."""
    half = tmp_path / "half"
    half.mkdir()
    (half / "file").write_text("x")
    process = subprocess.Popen(
        [sys.executable, "-c", IN_C, str(half)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.2)
    process.send_signal(number)
    started = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (CODES[number], f"error: ended by {number.name}\n")
    assert time.monotonic() - started < SOON_S
    assert not half.exists()


def somebody_in(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_while_kernels_are_compiled(endless, tmp_path):
    """With an empty cache: two processes compile; both end."""
    environment = {**os.environ, "DLASIM_CACHE_DIR": str(tmp_path / "cache")}
    command = [
        sys.executable,
        "-m",
        "simulator.cli.main",
        "run",
        str(endless),
        "--out",
        str(tmp_path / "run"),
    ]
    process = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list((tmp_path / "cache").rglob("*.nbc")):
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "error: ended by SIGTERM\n")
    assert time.monotonic() - started < SOON_S
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    while somebody_in(process.pid) and time.monotonic() < started + 10:
        time.sleep(0.1)
    assert not somebody_in(process.pid)


LOST = """
import ctypes, os, signal, sys, time
from pathlib import Path
from simulator.cli import signals
from simulator.under_way import PATHS
signals.listen()
PATHS.add(Path(sys.argv[1]))
@ctypes.CFUNCTYPE(None)
def called_back():
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    time.sleep(20)
with signals.limited(60, "60 s"):
    called_back()
    raise RuntimeError("what was to be called back is missing")
"""


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGTERM, (143, "error: ended by SIGTERM\n")),
        (
            signal.SIGALRM,
            (124, "error: --timeout: 60 s passed; write a longer --timeout, or shorten the run\n"),
        ),
    ],
)
def test_in_a_function_that_the_compiler_calls_back(tmp_path, number, said):
    """There, what Python raises is lost."""
    half = tmp_path / "half"
    half.write_text("x")
    ran = subprocess.run(
        [sys.executable, "-c", LOST, str(half), number.name], capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stderr) == said
    if number == signal.SIGTERM:
        assert not half.exists()


def test_a_limit_on_wall_time_tells_how_far_it_came(endless, tmp_path):
    started = time.monotonic()
    pid = forked(["run", endless, "--timeout", "1500 ms", "--out", tmp_path / "run"], tmp_path / "said")
    assert ended(pid) == 124
    assert time.monotonic() - started < 1.5 + SOON_S
    assert re.fullmatch(
        r"error: --timeout: 1500 ms passed with \d+ % done, [0-9.]+ [mun]?s simulated; write a longer --timeout, "
        r"or shorten the run\n",
        (tmp_path / "said").read_text(),
    )
    assert {path.name for path in tmp_path.iterdir()} == {"said"}


def test_a_limit_that_is_no_time_is_told(endless, tmp_path):
    assert ended(forked(["run", endless, "--timeout", "soon"], tmp_path / "said")) == 2
    assert (tmp_path / "said").read_text().startswith("error: --timeout: 'soon' is not a time")


def test_a_run_that_ends_in_time_is_not_disturbed(endless, tmp_path):
    arguments = ["run", endless, "--set", "simulation.until=1 us", "--timeout", "60 s", "--no-plots"]
    assert ended(forked([*arguments, "--out", tmp_path / "run"])) == 0
    assert (tmp_path / "run" / "summary.json").exists()


def test_a_command_that_takes_long_to_leave_says_once_that_it_was_ended():
    script = """
import atexit, os, signal, time
from simulator.cli import signals
from simulator.time_limit import Ended
atexit.register(time.sleep, 20)
signals.listen()
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(20)
except Ended:
    signals.end(signal.SIGINT, ["4 points are kept"])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (130, "error: ended by SIGINT; 4 points are kept\n")


def test_while_the_command_itself_is_loaded():
    script = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == "simulator.cli.app":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from simulator.cli.start import main
main()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "", "")
