"""Of many masters the tables and plots of a run name those that move most; the rest are one row, and nothing is lost."""

import pytest

from simulator.report.layers import interference_matrix
from simulator.report.masters import FEW, MOST_NAMED, folded, shown_masters
from simulator.report.run_data import blame_data, latency_data
from simulator.results.result import Result


def summary_of(count):
    """Return what a run says of masters, of which the last ones move most; each waits for all others and refresh."""
    names = [f"core{i:02}" for i in range(count)]
    return {
        "name": "many",
        "workloads": {},
        "masters": {
            name: {"reads": 1, "writes": i, "read_bytes": 64, "write_bytes": 64 * i}
            for i, name in enumerate(names)
        },
        "interference": {
            victim: {culprit: {"delay_s": 1.0} for culprit in [*names, "refresh"]} for victim in names
        },
    }


def test_few_masters_are_all_named_in_the_order_of_their_numbers():
    victims, culprits, _ = interference_matrix(summary_of(MOST_NAMED))
    assert victims == [f"core{i:02}" for i in range(MOST_NAMED)]
    assert culprits == [*victims, "refresh"]


def test_of_many_masters_those_that_move_most_are_named_and_no_wait_is_lost():
    victims, culprits, rows = interference_matrix(summary_of(64))
    named = [f"core{i:02}" for i in range(64 - FEW + 1, 64)]
    assert (victims, culprits) == ([*named, "57 others"], [*named, "refresh", "57 others"])
    assert sum(map(sum, rows)) == 64 * 65
    assert rows[0] == [1.0] * FEW + [57.0]
    assert rows[-1] == [57.0] * FEW + [57.0 * 57]


def test_the_page_has_the_same_names_with_all_requests_and_reads():
    summary = summary_of(64)
    names = list(summary["masters"])
    table = {"master": names, "at_least_s": [1e-7] * 64, "reads": [1] * 64}
    result = Result(summary, {}, {}, latency=table)
    blame = blame_data(result)
    assert blame["victims"][-1] == "57 others"
    assert sum(blame["requests"]) == sum(range(64)) + 64
    assert sum(cell[3] for cell in blame["cells"]) == pytest.approx(64 * 65)
    assert [each["master"] for each in latency_data(result)] == blame["victims"]


def test_series_of_masters_that_share_a_name_are_summed():
    summary = summary_of(64)
    series = {name: [1.0, 2.0] for name in summary["masters"]}
    found = folded(series, shown_masters(summary))
    assert list(found)[-1] == "57 others"
    assert (len(found), found["57 others"], found["core63"]) == (FEW, [57.0, 114.0], [1.0, 2.0])
