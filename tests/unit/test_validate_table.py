"""The validate command: every row printed and written, then the line that scripts read."""

import csv
import sys

import pytest

from hw_models.errors import ConfigError
from simulator.validate import VALIDATIONS
from simulator.validate.figure import Figure
from simulator.validate.table import closing_line, run_validation

FIGURES = [
    Figure({"case": "a", "size": 1}, "cycles", 100, 101),
    Figure({"case": "a", "size": 1}, "bytes", 50, 50),
    Figure({"case": "b", "rate": "1"}, "cycles", 200.0, 192.0),
    Figure({"case": "b", "rate": "1"}, "shown only", 1, 2, counted=False),
]


@pytest.fixture
def module(monkeypatch):
    """A validation that yields FIGURES and remembers how it was called."""
    fake = type(sys)("fake_validation")
    fake.calls = []

    def figures(table, internals=False):
        fake.calls.append((table, internals))
        yield from FIGURES

    fake.figures = figures
    monkeypatch.setitem(sys.modules, "fake_validation", fake)
    monkeypatch.setitem(VALIDATIONS, "fake", "fake_validation")
    return fake


def test_every_row_is_printed_then_the_closing_line(module, capsys):
    run_validation("fake", None, None, {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == (
        "rows=3 mean_abs_error_percent=1.6667 worst_error_percent=4.0000 signed_mean_percent=-1.0000 exact=1"
    )
    assert sum("cycles" in line for line in lines) == 2
    assert any("(not counted)" in line for line in lines)
    assert sum("reference" in line for line in lines) == 2  # a heading for each kind of row


def test_a_line_per_figure_is_written(module, tmp_path, capsys):
    run_validation("fake", None, tmp_path / "out.csv", {})
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["case", "size", "rate", "quantity", "reference", "ours", "error_percent"],
        ["a", "1", "", "cycles", "100", "101", "1"],
        ["a", "1", "", "bytes", "50", "50", "0"],
        ["b", "", "1", "cycles", "200", "192", "-4"],
        ["b", "", "1", "shown only", "1", "2", "100"],
    ]


def test_options_reach_the_module_and_unknown_ones_are_refused(module, tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("")
    run_validation("fake", table, None, {"internals": True})
    assert module.calls == [(table, True)]
    with pytest.raises(ConfigError) as caught:
        run_validation("fake", None, None, {"internal": True})
    assert str(caught.value) == "--internal: unknown option; did you mean '--internals'?"


def test_a_table_of_nothing_closes_with_zeros():
    assert closing_line([]) == (
        "rows=0 mean_abs_error_percent=0.0000 worst_error_percent=0.0000 signed_mean_percent=0.0000 exact=0"
    )


def test_a_place_that_cannot_be_written_is_told_before_anything_runs(module, tmp_path):
    with pytest.raises(ConfigError) as caught:
        run_validation("fake", None, tmp_path / "no/out.csv", {})
    said = "cannot be written; write the name of a csv file in an existing folder"
    assert str(caught.value) == f"--out {tmp_path}/no/out.csv: {said}"
    assert module.calls == []


def test_a_reference_of_zero_counts_as_wrong_unless_met():
    assert Figure({}, "q", 0, 0).error_percent == 0
    assert Figure({}, "q", 0, 1).error_percent == 100


def test_every_listed_validation_is_a_module_of_ours():
    assert all(path.startswith("simulator.validate.") for path in VALIDATIONS.values())
