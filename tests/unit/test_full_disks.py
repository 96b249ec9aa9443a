"""Where the disk is full, a command says so in one line and leaves nothing: on a real small file system."""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from forks import ended, forked

import simulator

CONFIG = Path(simulator.__file__).parent.parent / "configs" / "nv_small_tiny.yaml"
DRAM = CONFIG.parent / "dram" / "ddr4_2400_ramulator2.yaml"


@contextmanager
def small_disk(folder, size):
    """Mount a file system of ``size`` at ``folder``, or skip the test where nobody may."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing may be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def warm():
    """Compile here what each copy would else compile for itself."""
    simulator.run(CONFIG)


def test_a_run(warm, tmp_path):
    with small_disk(tmp_path / "disk", "16k") as disk:
        assert ended(forked(["run", CONFIG, "--out", disk / "run"], tmp_path / "said")) == 2
        assert list(disk.iterdir()) == []
    said = f"error: --out {disk}/run: cannot be written (no space left on device); choose a folder that can\n"
    assert (tmp_path / "said").read_text() == said


def test_a_run_in_place_of_another_that_stays(warm, tmp_path):
    with small_disk(tmp_path / "disk", "64k") as disk:
        (disk / "run").mkdir()
        (disk / "run" / "summary.json").write_text(json.dumps({"old": 1}))
        (disk / "rest").write_bytes(bytes(48 * 1024))
        assert ended(forked(["run", CONFIG, "--out", disk / "run"], tmp_path / "said")) == 2
        assert sorted(path.name for path in disk.iterdir()) == ["rest", "run"]
        assert json.loads((disk / "run" / "summary.json").read_text()) == {"old": 1}


def test_a_trace(warm, tmp_path):
    trace = tmp_path / "requests.trc"
    trace.write_text("".join(f"0x{64 * i:x} READ {9 * i}\n" for i in range(5000)))
    with small_disk(tmp_path / "disk", "16k") as disk:
        assert ended(forked(["trace", "dram", DRAM, trace, "--out", disk / "t"], tmp_path / "said")) == 2
        assert list(disk.iterdir()) == []
    assert (
        (tmp_path / "said").read_text().startswith(f"error: --out {disk}/t: cannot be written (no space left")
    )


def test_a_table(tmp_path):
    with small_disk(tmp_path / "disk", "4k") as disk:
        assert ended(forked(["validate", "networks", "--out", disk / "n.csv"], tmp_path / "said")) == 2
        assert list(disk.iterdir()) == []
    assert (
        (tmp_path / "said")
        .read_text()
        .splitlines()[-1]
        .endswith(f"--out {disk}/n.csv: cannot be written (no space left on device); write another file")
    )


def test_a_series_of_random_socs(warm, tmp_path):
    with small_disk(tmp_path / "disk", "4k") as disk:
        (disk / "rest").write_bytes(bytes(4096))
        assert ended(forked(["fuzz", "--cases", "2", "--out", disk / "f"], tmp_path / "said")) == 2
    assert (
        (tmp_path / "said").read_text().startswith(f"error: --out {disk}/f: cannot be written (no space left")
    )
