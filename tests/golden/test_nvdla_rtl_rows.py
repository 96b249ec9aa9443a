"""The accelerator against the RTL, row by row: which tables are exact, and how far off the rest is."""

import pytest

from simulator.validate.nvdla_rtl import REFERENCE, figures

# table -> rows, rows without one cycle of difference at least, worst error allowed in percent
TABLES = {
    "nv_small_conv.csv": (222, 222, 0.0),
    "nv_medium_512_conv.csv": (65, 65, 0.0),
    "nv_large_conv.csv": (229, 227, 0.23),
    "yolov3_ops_sample.csv": (17, 15, 0.002),
    "pingpong.csv": (72, 72, 0.0),
}


@pytest.mark.parametrize("table", TABLES)
def test_cycles_and_traffic_equal_the_rtl(table):
    rows, exact, worst = TABLES[table]
    cycles, traffic = [], []
    for figure in figures(REFERENCE / table):
        (cycles if figure.quantity == "cycles" else traffic).append(figure)
    assert len(cycles) == rows
    assert sum(figure.ours == figure.reference for figure in cycles) >= exact
    assert max(abs(figure.error_percent) for figure in cycles) <= worst
    assert [figure for figure in traffic if figure.ours != figure.reference] == []
