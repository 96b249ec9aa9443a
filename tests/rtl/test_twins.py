"""Every RTL twin agrees with the model in every cycle; a planted bug is found out."""

import pytest

from simulator.cosim_blocks.blocks import BLOCKS
from simulator.cosim_blocks.planted import ROOT, mutants_of
from simulator.cosim_blocks.report import difference_lines
from simulator.cosim_blocks.run import hunt, run_case

TRANSACTIONS = 2000


@pytest.mark.parametrize("name", BLOCKS)
def test_twin_and_model_agree_in_every_cycle(name):
    block = BLOCKS[name]
    planted = mutants_of(name, block.sources)
    outcome = run_case(block, block.sets[0], 1, TRANSACTIONS, mutants=planted)
    assert outcome.difference is None, "\n".join(difference_lines(outcome, None))
    assert outcome.transactions >= TRANSACTIONS
    assert [goal for goal, times in outcome.goals.items() if not times] == []


@pytest.mark.parametrize(("name", "place"), [("sdp", 2), ("conv_pipe", 3)])
def test_further_shapes_agree(name, place):
    """SDP with an atom a cycle; entries of CBUF of two atoms."""
    block = BLOCKS[name]
    outcome = run_case(block, block.sets[place], 1, 150, mutants=mutants_of(name, block.sources))
    assert outcome.difference is None, "\n".join(difference_lines(outcome, None))


@pytest.mark.parametrize("name", BLOCKS)
def test_planted_bugs_are_found_out(name):
    """The first of the RTL and of the model here; all of them by ``dlasim cosim BLOCK --mutants``."""
    planted = mutants_of(name, BLOCKS[name].sources)
    for where in ("rtl", "model"):
        assert sum(mutant.where == where for mutant in planted) >= 20
    first = [next(mutant for mutant in planted if mutant.where == where) for where in ("rtl", "model")]
    assert None not in hunt(BLOCKS[name], planted, first, 1, TRANSACTIONS)


def test_outside_pytest_a_difference_is_told_too(monkeypatch, tmp_path):
    """There cocotb's runner raises nothing: the failures in its results count."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    for name, right, wrong in (
        ("arbiter.sv", "", ""),
        ("arbiter_properties.svh", "", ""),
        ("arbitration.svh", "granted.credit[unit] - 8'd1", "granted.credit[unit] - 8'd2"),
    ):
        text = (ROOT / "hw_models/interconnect/rtl" / name).read_text()
        assert right in text
        (tmp_path / name).write_text(text.replace(right, wrong))
    block = BLOCKS["arbiter"]._replace(sources=(str(tmp_path / "arbiter.sv"),))
    outcome = run_case(block, block.sets[0], 1, TRANSACTIONS, mutants=[])
    told = "\n".join(difference_lines(outcome, None))
    assert "first difference: seed 1, episode " in told
    assert "<- differs" in told


@pytest.mark.parametrize("name", ["cdma", "pdp"])
def test_twin_and_compiled_model_agree(name):
    """These two watch the model from inside where it runs as plain Python."""
    block = BLOCKS[name]
    outcome = run_case(block, block.sets[0], 2, 300, mutants=mutants_of(name, block.sources), compiled=True)
    assert outcome.difference is None, "\n".join(difference_lines(outcome, None))
    assert outcome.transactions >= 300
