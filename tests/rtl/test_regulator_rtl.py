"""The regulators' RTL twin agrees with the simulator's functions; a changed twin does not."""

import pytest
from runner import ROOT, build, changed, run

SOURCE = ROOT / "hw_models/interconnect/rtl/regulator.sv"


def test_rtl_and_model_give_the_same_verdict(folder):
    run(build(SOURCE, "regulator", folder), "cocotb_regulator", "regulator", folder)


def test_a_twin_that_lends_for_nothing_is_found_out(folder, tmp_path):
    runner = build(changed(SOURCE, tmp_path, "pool <= pool - drawn;", "pool <= pool;"), "regulator", folder)
    with pytest.raises(SystemExit):
        run(runner, "cocotb_regulator", "regulator", folder)
