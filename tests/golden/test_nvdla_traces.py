"""NVDLA's own register-level tests, by their CRCs: every one whose data is complete."""

import tarfile
from functools import cache

import pytest

from hw_models.nvdla.presets import PRESETS
from simulator.validate.nvdla_traces import REFERENCE
from workloads.traces.play import play
from workloads.traces.program import script_of

RTL_WITHOUT_Y = 0xC43621C5  # what nv_small's RTL leaves where its element-wise unit is asked for


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    for preset in ("nv_small", "nv_large"):
        with tarfile.open(REFERENCE / f"{preset}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
    return folder


@cache
def names():
    found = []
    for preset in ("nv_small", "nv_large"):
        with tarfile.open(REFERENCE / f"{preset}.tar.xz") as archive:
            found += [member.name for member in archive if member.name.endswith(".cfg")]
    return sorted(found)


@pytest.mark.parametrize("name", names())
def test_every_check_is_equal(programs, name):
    numbers = PRESETS[name.partition("/")[0]]
    script = script_of(programs / name)
    outcome = play(script, numbers, missing_is_error=False)
    if outcome.lacks_y:
        assert [check.ours for check in outcome.checks] == [RTL_WITHOUT_Y]
        outcome = play(script, numbers | {"sdp_ew_elements": 1, "lut": 1}, missing_is_error=False)
    assert [check.ours for check in outcome.checks] == [check.reference for check in outcome.checks]
    assert outcome.checks
