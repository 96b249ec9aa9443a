"""What is asserted of small RTL is proven; a bug on purpose fails the proof (Yosys, from PyPI's pyosys)."""

import shutil

import pytest

from hw_models.errors import ConfigError
from simulator.cosim_blocks.command import run_proof
from simulator.cosim_blocks.planted import ROOT
from simulator.cosim_blocks.proofs import PROOFS, prove

pytest.importorskip("pyosys")
BUGS = {
    "arbiter: a slot is granted though its owner does not ask": (
        "arbitration.svh", "{asking[owner], owner}", "{1'b1, owner}"
    ),
    "arbiter: the search begins at master 0": ("arbitration.svh", "unit = turn.last;", "unit = U'(UNITS - 1);"),
    "arbiter: the lowest priority wins": (
        "arbitration.svh", "ranks[unit] > ranks[highest]", "ranks[unit] < ranks[highest]"
    ),
    "arbiter: who has just won is alone in the new round": (
        "arbitration.svh", "granted.credit = shares;", "granted.credit[unit] = shares[unit];"
    ),
    "arbiter: credit is never spent": ("arbitration.svh", "granted.credit[unit] - 8'd1", "granted.credit[unit]"),
    "regulator: a byte over its budget": (
        "regulator.sv", "after <= {1'b0, budgets[unit]}", "after <= {1'b0, budgets[unit]} + 1'b1"
    ),
    "regulator: a byte more than the pool has": ("regulator.sv", "drawn <= pool", "drawn <= pool + 1'b1"),
    "regulator: a large request wraps around": (
        "regulator.sv", "? after - {1'b0, share[unit]}", "? {1'b0, B'(after - {1'b0, share[unit]})}"
    ),
    "regulator: the last byte of a budget is refused": (
        "regulator.sv", "after <= {1'b0, budgets[unit]}", "after < {1'b0, budgets[unit]}"
    ),
    "register_groups: a third launch is taken": ("register_groups.sv", "count < 2", "count < 3"),
    "register_groups: the second launch goes first": ("register_groups.sv", ": groups[head]", ": groups[!head]"),
    "register_groups: a launch takes the place of the first": ("register_groups.sv", "head ^ count[0]", "head"),
    "register_groups: the first comes a cycle late": (
        "register_groups.sv", "count != 0 || enabled;", "count != 0;"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROOFS)
def test_properties_are_proven(name):
    said = prove(name)
    assert said is None, said


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_fails_the_proof(bug, tmp_path):
    name = bug.partition(":")[0]
    file, right, wrong = BUGS[bug]
    folder = tmp_path / "rtl"
    shutil.copytree((ROOT / "hw_models" / PROOFS[name].source).parent, folder)
    text = (folder / file).read_text()
    assert text.count(right) == 1
    (folder / file).write_text(text.replace(right, wrong))
    said = prove(name, folder)
    assert said is not None
    assert "proof did fail" in said


def test_the_command_says_what_is_proven_and_of_what_there_is_no_proof(capsys):
    assert run_proof("register_groups")
    assert capsys.readouterr().out.startswith("register_groups (BITS=8): proven: launches come in order")
    with pytest.raises(ConfigError, match=r"not known; .*arbiter"):
        run_proof("sdp")
