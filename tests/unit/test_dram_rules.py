"""The table of timing rules: how it is read, and what comes out for parts whose data sheets are at hand."""

import re

import pytest

from hw_models.dram.names import MNEMONICS
from hw_models.dram.params import Dram
from hw_models.dram.rules import RULES, SCOPES, between, clocks, complete
from hw_models.dram.standards import MODULES


def timings(standard: str) -> dict[str, int]:
    dram = Dram.model_validate({"standard": standard})
    return complete(dram.cycles(), dram.beats)


@pytest.mark.parametrize("name", MODULES)
def test_every_rule_has_its_timings_in_every_standard(name):
    t = timings(f"{name}-{MODULES[name].SPEEDS[0]}")
    assert all(clocks(rule.least, t) >= 0 for rule in RULES)


def test_rules_name_commands_and_scopes_that_exist():
    names = {*MNEMONICS.values(), "AP"}
    for rule in RULES:
        assert rule.scope in SCOPES
        assert {*rule.earlier, *rule.later} <= names


def test_no_two_rules_say_the_same():
    said = [
        (rule.scope, earlier, later, rule.nth)
        for rule in RULES
        for earlier in rule.earlier
        for later in rule.later
    ]
    assert len(said) == len(set(said))


def test_a_misspelt_timing_is_a_key_error():
    with pytest.raises(KeyError, match="tRDC"):
        clocks("tRDC + 1", {"tRCD": 1})


def test_a_pair_without_a_rule_is_a_key_error():
    with pytest.raises(KeyError, match="no rule from PDX to PDX of one rank"):
        between({}, "rank", "PDX", "PDX")


# DDR4-2400R, 8 Gb x8: CL 16, CWL 12, BL 4 clocks, nRCD = nRP 16, tRAS 32 ns, tRRD_S/L 4/6, tFAW 26 (1 KiB pages),
# tCCD_S/L 4/6, tWTR_S/L 3/9, tRTP 9, tWR 18, tRFC 350 ns: clocks of JESD79-4 at 833 ps, worked out by hand.
DDR4_2400R = {
    ("bank", "ACT", "RD"): 16,
    ("bank", "ACT", "PRE"): 39,
    ("bank", "PRE", "ACT"): 16,
    ("bank", "RD", "PRE"): 9,
    ("bank", "WR", "PRE"): 12 + 4 + 18,
    ("group", "ACT", "ACT"): 6,
    ("other group", "ACT", "ACT"): 4,
    ("group", "RD", "RD"): 6,
    ("other group", "RD", "RD"): 4,
    ("group", "WR", "RD"): 12 + 4 + 9,
    ("other group", "WR", "RD"): 12 + 4 + 3,
    ("rank", "REF", "ACT"): 420,
}


@pytest.mark.parametrize("pair", DDR4_2400R, ids=lambda pair: re.sub(r"\W+", "_", str(pair)))
def test_distances_of_ddr4_2400r(pair):
    assert between(timings("DDR4-2400R"), *pair) == DDR4_2400R[pair]
