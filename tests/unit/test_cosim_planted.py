"""Planted bugs whose text an edited model or twin no longer has."""

from pathlib import Path

import pytest

from hw_models.errors import ConfigError
from simulator.cosim_blocks import command, planted
from simulator.cosim_blocks.blocks import BLOCKS
from simulator.cosim_blocks.planted import ROOT, mutants_of

REGULATOR = "hw_models/interconnect/regulator.py"


@pytest.fixture
def edited(monkeypatch, tmp_path):
    """A tree in which the regulator's model has another comparison."""
    text = (ROOT / REGULATOR).read_text()
    right = 'row["used"] + size <= row["budget"]'
    assert text.count(right) == 1
    for file in {mutant.file for mutant in mutants_of("regulator", BLOCKS["regulator"].sources)}:
        place = tmp_path / (file if file.endswith(".py") else f"hw_models/{file}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text((ROOT / place.relative_to(tmp_path)).read_text())
    (tmp_path / REGULATOR).write_text(text.replace(right, right.replace("<=", "<")))
    monkeypatch.setattr(planted, "ROOT", tmp_path)


def test_an_edited_model_runs_without_the_bugs_that_it_no_longer_has(edited):
    sources = BLOCKS["regulator"].sources
    with pytest.raises(ValueError, match="occurs 0 times"):
        mutants_of("regulator", sources)
    left = mutants_of("regulator", sources, strict=False)
    assert left
    assert all("<= row" not in mutant.right for mutant in left)


def test_planted_bugs_of_an_edited_model_are_one_line(edited, monkeypatch):
    monkeypatch.setattr(command, "check_tools", lambda: None)
    with pytest.raises(ConfigError, match="occurs 0 times; write the planted bug as its source is now"):
        command.run_cosim("regulator", 1, 1, 1, compiled=False, mutants=True, out=Path("unused"))
