"""The arbiter's RTL twin agrees with the simulator's functions; a changed twin does not."""

import pytest
from runner import ROOT, build, changed, run

SOURCE = ROOT / "hw_models/interconnect/rtl/arbiter.sv"


def test_rtl_and_model_pick_the_same_master(folder):
    run(build(SOURCE, "arbiter", folder), "cocotb_arbiter", "arbiter", folder)


def test_a_twin_that_never_opens_a_new_round_is_found_out(folder, tmp_path):
    wrong = changed(SOURCE, tmp_path, "if (credit[winner] == 0) begin", "if (credit[winner] == 8'd255) begin")
    runner = build(wrong, "arbiter", folder)
    with pytest.raises(SystemExit):
        run(runner, "cocotb_arbiter", "arbiter", folder)
