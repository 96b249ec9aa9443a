"""The FireSim comparison's rows, from outcomes made up here: the runs themselves are for the command."""

import math

from simulator.config.model import load
from simulator.validate import firesim
from simulator.validate.firesim_cases import Case, Outcome

TRAFFIC = {
    "weights": 80_288_000,
    "features": 41_310_000,
    "operands": 14_692_000,
    "inputs": 18_170_000,
    "outputs": 57_564_000,
}


def made_up(milliseconds):
    return Outcome(2 * milliseconds / 1e3, milliseconds / 1e3, milliseconds / 1e3, TRAFFIC, {"data": 10})


def test_the_cases_cover_the_frame_the_grid_and_the_crowd():
    cases = firesim.cases()
    assert firesim.FRAME in cases
    assert sum(case.name == "no LLC" and case.kind == "llc" for case in cases) == 1
    assert {case.name for case in cases if case.kind == "corunners"} == {
        f"{n} x {where}" for n in (1, 2, 3, 4) for where in ("L1", "LLC", "DRAM")
    }
    assert "4096 KiB / 64 B" not in {case.name for case in cases}  # more sets than FASED has
    assert len(set(cases)) == len(cases)


def test_the_figures_compare_with_the_paper():
    results = {case: made_up(60 + 10 * case.corunners) for case in firesim.cases()}
    bare = firesim.BARE
    results[bare] = made_up(90)
    frame = results[firesim.FRAME]
    rows = list(firesim.frame_figures(frame))
    rows += firesim.llc_figures(results, results[bare])
    rows += firesim.corunner_figures(results, frame)
    counted = {(f.row["part"], f.row["case"], f.quantity): f for f in rows if f.counted}
    assert counted["frame", "whole", "frames_per_s"].ours == 1 / 0.12
    assert counted["LLC", "best", "speedup_over_no_llc"].ours == 1.5
    assert counted["co-runners", "4 x DRAM", "slowdown"].ours == 100 / 60
    assert counted["traffic", "operands and inputs", "megabytes"].error_percent == 0
    assert all(math.isnan(f.reference) for f in rows if not f.counted)


def test_plots_are_written(tmp_path):
    from simulator.validate.firesim_plots import write_plots

    results = {case: made_up(60 + 10 * case.corunners) for case in firesim.cases()}
    base = results[firesim.cases()[0]]
    write_plots(tmp_path / "plots", results, base, base)
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"llc_speedup.png", "corunners.png"}


def test_a_case_is_one_setting_of_the_same_soc():
    assert Case("llc", "no LLC", ("system.llc=null",)) in firesim.cases()


def test_the_frame_is_the_config_as_it_is():
    llc = load(firesim.CONFIG).system.llc
    assert firesim.FRAME.name == f"{llc.size_bytes // 1024} KiB / {llc.line_bytes} B"
    assert firesim.FRAME.settings == ()
