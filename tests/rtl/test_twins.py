"""Every RTL twin agrees with the model in every cycle; a planted bug is found out."""

import pytest

from simulator.cosim_blocks.blocks import BLOCKS
from simulator.cosim_blocks.planted import Mutant, mutants_of
from simulator.cosim_blocks.report import difference_lines
from simulator.cosim_blocks.run import run_case

TRANSACTIONS = 2000


@pytest.mark.parametrize("name", BLOCKS)
def test_twin_and_model_agree_in_every_cycle(name):
    block = BLOCKS[name]
    planted = mutants_of(name, block.sources)
    outcome = run_case(block, block.sets[0], 1, TRANSACTIONS, mutants=planted)
    assert outcome.difference is None, "\n".join(difference_lines(outcome, None))
    assert outcome.transactions >= TRANSACTIONS
    assert [goal for goal, times in outcome.goals.items() if not times] == []


def test_a_planted_bug_is_found_out_outside_pytest_too(monkeypatch):
    """There cocotb's runner raises nothing: the failures in its results count."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    block = BLOCKS["arbiter"]
    right, wrong = 'arbiter["credit"][unit] -= 1', 'arbiter["credit"][unit] -= 2'
    bug = Mutant("model", 1, "a grant costs two", right, wrong, "hw_models/interconnect/arbiter.py")
    outcome = run_case(block, block.sets[0], 1, TRANSACTIONS, mutants=[], mutant=bug)
    assert outcome.difference is not None
    told = "\n".join(difference_lines(outcome, None))
    assert "first difference: seed 1, episode 2" in told
    assert "<- differs" in told
