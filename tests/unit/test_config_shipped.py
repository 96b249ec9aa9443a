"""Shipped configs are found by name, wherever one works."""

from pathlib import Path

import pytest

from simulator.config.model import load
from simulator.config.shipped import CONFIGS, located, shipped

ROOT = Path(__file__).resolve().parents[2]


def test_every_config_of_the_tree_is_shipped():
    assert CONFIGS == ROOT / "configs"
    assert {"firesim_yolov3", "dram/firesim_fased", "sweeps/llc"} <= set(shipped())


@pytest.mark.parametrize(
    "written", ["nv_small_tiny", "nv_small_tiny.yaml", "configs/nv_small_tiny.yaml", "configs/nv_small_tiny"]
)
def test_a_name_is_found_from_anywhere(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert located(Path(written)) == CONFIGS / "nv_small_tiny.yaml"
    assert load(written).name == load(CONFIGS / "nv_small_tiny.yaml").name


def test_a_file_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nv_small_tiny").touch()
    assert located(Path("nv_small_tiny")) == Path("nv_small_tiny")


@pytest.mark.parametrize("path", ["nothing.yaml", "../nv_small_tiny.yaml", "/nv_small_tiny.yaml", "dram"])
def test_other_paths_stay(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert located(Path(path)) == Path(path)
