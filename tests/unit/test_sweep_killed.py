"""A sweep that is killed, and one of its workers too, ends with the same bytes as one that nobody disturbs.

DLASIM_LONG_SWEEP=1 pytest tests/unit/test_sweep_killed.py runs 576 points of yolov3-tiny over MACs, buffer, LLC, DRAM
and co-runners (hours on two cores); without it 16 points of a small layer.
"""

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
NETWORK = {"network": "yolov3-tiny", "input": "96x96", "fallback": "core0"} if LONG else LAYERS
CROWD = {"on": "core1", "kind": "bandwidth_write", "footprint": "1 MiB"}
SWEEP = {
    "name": "killed",
    "base": {
        "system": {
            "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "1 GHz"}},
            "cores": {"core0": {"clock": "1 GHz"}, "core1": {"clock": "1 GHz"}},
            "interconnect": {"clock": "1 GHz", "width": "8 B", "latency": "4 cycles"},
            "llc": {"size": "256 KiB", "ways": 8, "mshrs": 8},
            "dram": {"standard": "DDR3-1600"},
        },
        "workloads": {"net": {"on": "nvdla0"} | NETWORK},
    },
    "axes": {
        "system.accelerators.nvdla0.preset": ["nv_small", "nv_small_256", "nv_medium_512"][: 3 if LONG else 2],
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
PATIENCE_S = 300


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


def children(pid: int) -> list[int]:
    """Return the worker processes of a sweep."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in found}
    return [child for child, line in lines.items() if b"spawn_main" in line]


def finish(process: subprocess.Popen) -> str:
    said, _ = process.communicate(timeout=86400 if LONG else PATIENCE_S)
    assert process.returncode == 0, said
    return said


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds worker processes in /proc")
def test_a_sweep_killed_with_its_workers_ends_with_the_bytes_of_an_undisturbed_one(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(yaml_text(SWEEP))
    quiet, killed = tmp_path / "quiet", tmp_path / "killed"
    finish(start(file, quiet))

    driver = start(file, killed, "--workers", "2")
    wait_for(2, killed, driver)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    before = kept(killed)
    assert before >= 2

    driver = start(file, killed, "--workers", "2", "--resume")
    end = time.monotonic() + PATIENCE_S
    while not (workers := children(driver.pid)) and driver.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    if driver.poll() is None:
        os.kill(workers[0], signal.SIGKILL)
    finish(driver)
    for name in ("results.csv", "effects.csv"):
        assert (killed / name).read_bytes() == (quiet / name).read_bytes()
    assert len((quiet / "results.csv").read_text().splitlines()) == 1 + (576 if LONG else 16)
