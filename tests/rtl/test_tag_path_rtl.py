"""The RTL twin of tags and replacement agrees with the simulator's functions; a changed twin does not."""

import pytest
from runner import ROOT, build, changed, run

SOURCE = ROOT / "hw_models/cache/rtl/tag_path.sv"


def test_rtl_and_model_take_the_same_way(folder):
    run(build(SOURCE, "tag_path", folder), "cocotb_tag_path", "tag_path", folder)


def test_a_twin_that_forgets_to_age_is_found_out(folder, tmp_path):
    wrong = changed(SOURCE, tmp_path, "(FAR - distances[set][choice])", "2'd0")
    runner = build(wrong, "tag_path", folder)
    with pytest.raises(SystemExit):
        run(runner, "cocotb_tag_path", "tag_path", folder)
