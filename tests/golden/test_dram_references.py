"""Exact cycles: other simulators' runs, request by request, and their command logs."""

import numpy as np
import pytest

from hw_models.dram import reference_runs as references
from hw_models.dram.names import MNEMONICS
from hw_models.dram.reference_runs import CONFIGS
from simulator.trace.dram import simulate
from simulator.validate.dram import _memory_of, _requests, equal_requests, figures

EXACT = ("low_rand", "pingpong_dep", "stride_128k")  # no freedom: all references agree


def test_every_request_enters_and_every_read_is_answered_in_the_reference_s_cycle():
    shares = {(tuple(f.row.values()), f.quantity): f.ours for f in equal_requests()}
    assert len(shares) == 2 * len(CONFIGS) * (15 + 14)  # seq_write has no reads
    assert set(shares.values()) == {100.0}


@pytest.mark.parametrize("trace", EXACT)
def test_without_freedom_and_refresh_the_policies_agree(trace):
    answers = [
        references.requests(trace, config, "noref")[1] for config in ("r2_ddr4_match", "ds3_ddr4_match")
    ]
    assert np.array_equal(*answers)


@pytest.mark.parametrize("trace", ["pingpong", "rand_rw21"])
def test_commands_are_those_of_ramulator(trace):
    rows = _requests(trace, None)[:5000]
    log = simulate(_memory_of("r2_ddr4_match", "ref"), rows, commands=True)[2]
    theirs = references.command_log(f"r2_ddr4_match.ref.{trace}")
    columns = [log[name].tolist() for name in ("cycle", "command", "rank", "group", "bank", "row", "column")]
    ours = [[str(c), MNEMONICS[k], *map(str, rest)] for c, k, *rest in zip(*columns)]
    for mine, other in zip(ours, theirs):  # their log ends with the last read
        assert mine[:2] == other[:2]
        if mine[1] not in ("PREA", "REF"):
            assert mine == other
    assert len(ours) >= len(theirs)


def test_totals_spread_and_power():
    shown = list(figures(None, speed="no"))
    assert all(f.error_percent == 0 for f in shown if f.quantity in ("cycles", "cycles_within_spread"))
    powers = [f for f in shown if f.quantity == "power_mw" and f.counted]
    assert len(powers) == 3
    assert max(abs(f.error_percent) for f in powers) < 0.5
