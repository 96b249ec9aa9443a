"""Killed, spread over workers or over a Dask cluster of its own, a sweep ends with the same bytes as undisturbed.

DLASIM_LONG_SWEEP=1 pytest tests/unit/test_sweep_killed.py runs 576 points of yolov3-tiny over MACs, buffer, LLC, DRAM
and co-runners four times (twenty minutes of two cores); without it 16 points of a small layer.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator.config.yaml_lines import yaml_text

LONG = bool(os.environ.get("DLASIM_LONG_SWEEP"))
LAYERS = {"layers": [{"conv": {"input": [8, 6, 6], "kernels": 16, "kernel": 1}}]}
NETWORK = {"network": "yolov3-tiny", "input": "64x64", "fallback": "core0"} if LONG else LAYERS
PRESETS = ["nv_medium_512", "nv_medium_1024", "nv_large"] if LONG else ["nv_small", "nv_small_256"]
CROWD = {"on": "core1", "kind": "bandwidth_write", "footprint": "1 MiB"}
SWEEP = {
    "name": "killed",
    "base": {
        "system": {
            "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "1 GHz"}},
            "cores": {"core0": {"clock": "1 GHz"}, "core1": {"clock": "1 GHz"}},
            "interconnect": {"clock": "1 GHz", "width": "32 B" if LONG else "8 B", "latency": "4 cycles"},
            "llc": {"size": "256 KiB", "ways": 8, "mshrs": 8},
            "dram": {"standard": "DDR3-1600"},
        },
        "workloads": {"net": {"on": "nvdla0"} | NETWORK},
    },
    "axes": {
        "system.accelerators.nvdla0.preset": PRESETS,
        "system.accelerators.nvdla0.cbuf_banks": [16, 32],
        "system.llc.size": ["64 KiB", "128 KiB", "256 KiB", "512 KiB", "1 MiB", "2 MiB"][: 6 if LONG else 2],
        "system.dram.standard": ["DDR3-1600", "DDR4-2400", "LPDDR4-3200", "DDR4-3200"][: 4 if LONG else 2],
        "corunners": [[], [CROWD], [CROWD | {"kind": "bandwidth_read"}], [CROWD | {"rate": "500 MB/s"}]][
            : 4 if LONG else 1
        ],
    },
    "objectives": {"workloads.net.latency_s": "minimize", "dram.0.energy_j": "minimize"},
    "metrics": ["llc.hit_rate"],
}  # fmt: skip
PATIENCE_S = 3600 if LONG else 300


def start(file: Path, out: Path, *options: str) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "simulator.cli.main",
        "sweep",
        str(file),
        "--out",
        str(out),
        "--no-progress",
    ]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kept(out: Path) -> int:
    return sum(1 for folder in (out, *out.parent.glob(f".{out.name}*")) for _ in folder.glob("points/*.json"))


def wait_for(points: int, out: Path, process: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE_S
    while kept(out) < points:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.02)


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a sweep: the children of the one that it has them forked off by."""
    return [child for server in children(pid, b"forkserver") for child in children(server)]


def children(pid: int, word: bytes = b"") -> list[int]:
    """Return the child processes that have a word in their command line."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in found}
    return [child for child, line in lines.items() if word in line]


def finish(process: subprocess.Popen) -> str:
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> tuple[Path, Path]:
    """Return the sweep's file, and the folder in which it ran undisturbed, by one worker."""
    folder = tmp_path_factory.mktemp("killed")
    file = folder / "sweep.yaml"
    file.write_text(yaml_text(SWEEP))
    finish(start(file, folder / "quiet", "--workers", "1"))
    assert len((folder / "quiet/results.csv").read_text().splitlines()) == 1 + (576 if LONG else 16)
    return file, folder / "quiet"


def assert_same_bytes(out: Path, quiet: Path) -> None:
    for name in ("results.csv", "effects.csv", "sweep.yaml"):
        assert (out / name).read_bytes() == (quiet / name).read_bytes(), name


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds worker processes in /proc")
def test_a_sweep_killed_with_its_workers_ends_with_the_bytes_of_an_undisturbed_one(sweep, tmp_path):
    file, quiet = sweep
    killed = tmp_path / "killed"
    driver = start(file, killed, "--workers", "2")
    wait_for(200 if LONG else 2, killed, driver)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    before = kept(killed)
    assert 2 <= before < (576 if LONG else 16)

    driver = start(file, killed, "--workers", "2", "--resume")
    wait_for(before + (100 if LONG else 1), killed, driver)
    if found := workers_of(driver.pid):  # none where the last point is done
        os.kill(found[0], signal.SIGKILL)
    finish(driver)
    assert_same_bytes(killed, quiet)


@pytest.mark.skipif(not LONG, reason="a shorter one is in test_sweep_runs.py")
def test_two_workers_write_the_bytes_of_one(sweep, tmp_path):
    file, quiet = sweep
    finish(start(file, tmp_path / "two", "--workers", "2"))
    assert_same_bytes(tmp_path / "two", quiet)


def test_a_dask_cluster_of_its_own_writes_the_bytes_of_one_worker(sweep, tmp_path):
    pytest.importorskip("distributed")
    file, quiet = sweep
    at = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    here = ["--scheduler-file", str(at), "--no-dashboard"]
    commands = [
        [*dask, "scheduler", *here, "--host", "127.0.0.1", "--port", "0"],
        *([*dask, "worker", *here, "--nthreads", "1", "--local-directory", str(tmp_path)],) * 2,
    ]
    cluster = [subprocess.Popen(c, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for c in commands]
    try:
        end = time.monotonic() + PATIENCE_S
        while not at.exists() and time.monotonic() < end:
            time.sleep(0.05)
        address = json.loads(at.read_text())["address"]
        finish(start(file, tmp_path / "dask", "--scheduler", address))
    finally:
        for process in reversed(cluster):
            process.terminate()
        for process in cluster:
            process.wait(60)
    assert_same_bytes(tmp_path / "dask", quiet)
