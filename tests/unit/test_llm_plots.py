"""The curves as files: a table and a picture of each."""

import csv

from simulator.validate import llm_curves
from simulator.validate.llm_plots import write_curves

SMALL = {
    "throughput": {"chunk_kib": [4, 8, 4, 8], "threads": [1, 1, 2, 2], "GBps": [0.1, 0.2, 0.2, 0.4]},
    "latency_over_dram": {
        "window": [1, 2],
        "dram_share": [0.4, 0.5],
        "io_ms": [9.0, 5.0],
        "mem_ms": [2.0, 1.0],
        "compute_ms": [3.0, 4.0],
        "overlapped_ms": [10.0, 8.0],
    },
    "aggregated_use": {"model": ["m", "m"], "window": [1, 2], "measured": [0.1, 0.2], "expected": [0.1, 0.2]},
    "friends": {"friend": [1, 2], "coactive_share": [0.9, 0.8]},
    "coactivation": {"policy": ["a", "b"], "io_ms": [1.0, 2.0], "flash_GB": [0.1, 0.2]},
}


def test_every_curve_becomes_a_table_and_a_picture(tmp_path, monkeypatch):
    for name, columns in SMALL.items():
        monkeypatch.setattr(llm_curves, name, lambda columns=columns: columns)
    plots = write_curves(tmp_path / "curves")
    assert {plot.stem for plot in plots} == set(SMALL)
    for plot in plots:
        assert plot.read_bytes().startswith(b"\x89PNG")
        header = next(csv.reader(plot.with_suffix(".csv").read_text().splitlines()))
        assert header == list(SMALL[plot.stem])


def test_use_of_neurons_grows_with_the_window_and_follows_its_expectation():
    columns = llm_curves.aggregated_use(longest=8)
    for model in set(columns["model"]):
        rows = [i for i, name in enumerate(columns["model"]) if name == model]
        measured = [columns["measured"][i] for i in rows]
        assert measured == sorted(measured)
        for i in rows:
            assert abs(columns["measured"][i] - columns["expected"][i]) < 0.02
