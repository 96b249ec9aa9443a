"""The FireSim comparison's rows, from outcomes made up here: the runs themselves are for the command."""

import math

import pytest

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import load
from simulator.validate import firesim
from simulator.validate.firesim_cases import FRAME, Outcome, cases
from simulator.validate.firesim_choices import CHOICES, runs_of, write_sensitivity
from simulator.validate.firesim_runs import CONFIG, accelerator_seconds, config_of

TRAFFIC = {
    "weights": 80_288_000,
    "features": 41_310_000,
    "operands": 14_692_000,
    "inputs": 18_170_000,
    "outputs": 57_564_000,
}


def made_up(milliseconds):
    return Outcome(milliseconds / 1e3, 2 * milliseconds / 1e3, milliseconds / 1e3, TRAFFIC, {"data": 10})


def test_every_point_of_both_figures_is_a_case():
    every = cases(every=True)
    assert len(set(every)) == len(every) == 1 + 39 + 12  # without LLC, figure 5, figure 6
    assert firesim.FRAME in every
    assert firesim.BARE in every
    assert {case.name for case in every if case.kind == "corunners"} == {
        f"{n} x {where}" for n in (1, 2, 3, 4) for where in ("L1", "LLC", "DRAM")
    }


def test_the_short_list_has_the_ends_of_every_line_and_the_crowd():
    short = {case.name for case in cases(every=False)}
    assert short < {case.name for case in cases(every=True)}
    assert {
        "0.25 KiB / 32 B",
        "1024 KiB / 32 B",
        "0.5 KiB / 64 B",
        "1 KiB / 128 B",
        "4096 KiB / 128 B",
    } < short
    assert {"1 x DRAM", "1 x LLC", "4 x LLC", "4 x L1"} < short


def test_points_differ_in_the_llc_or_in_the_crowd_and_in_nothing_else():
    for case in cases(every=True, seeds=2):
        keys = {setting.partition("=")[0] for setting in case.settings}
        if case == firesim.BARE:  # FASED's DRAM takes a write's data at once
            assert keys == {"system.llc", "system.interconnect.hub.write_lead"}
        else:
            assert keys <= {"system.llc.size", "system.llc.line"}
        assert not (keys and case.corunners)


def test_every_point_of_figure_5_is_a_config():
    for case in cases(every=True):
        llc = load(CONFIG, settings=case.settings).system.llc
        assert llc is None or llc.sets <= 4096  # as many as FASED's model has


def test_the_figures_compare_with_the_paper():
    results = {case: made_up(60 + 10 * case.corunners + case.seed) for case in cases(every=True, seeds=2)}
    results[firesim.BARE] = made_up(61 * 1.5)
    rows = list(firesim.frame_figures(results[firesim.FRAME]))
    rows += firesim.llc_figures(results)
    rows += firesim.corunner_figures(results)
    counted = {(f.row["part"], f.row["case"], f.quantity): f for f in rows if f.counted}
    assert counted["frame", "whole", "frames_per_s"].ours == 1 / 0.122
    best = counted["LLC", "4096 KiB / 128 B", "speedup_over_no_llc"]
    assert (best.reference, best.ours) == (1.56, 1.5)
    crowd = counted["co-runners", "4 x DRAM", "slowdown"]
    assert crowd.reference == 2.46
    assert crowd.ours == pytest.approx((101 + 102) / 2 / 61)
    assert counted["traffic", "operands and inputs", "megabytes"].error_percent == 0
    assert all(math.isnan(f.reference) for f in rows if not f.counted)
    assert sum(f.row["part"] in ("LLC", "co-runners") for f in counted.values()) == 39 + 12


@pytest.mark.parametrize("seeds", [0, True, "few"])
def test_seeds_are_a_number_of_runs(seeds):
    with pytest.raises(ConfigError, match=f"--seeds: {seeds} is not a number of runs; write 1 or more"):
        list(firesim.figures(seeds=seeds))


def test_plots_are_written(tmp_path):
    from simulator.validate.firesim_plots import write_plots

    write_plots(tmp_path / "plots", {case: made_up(60 + 10 * case.corunners) for case in cases(every=True)})
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"llc_speedup.png", "corunners.png"}


def test_the_frame_is_the_config_as_it_is():
    llc = load(CONFIG).system.llc
    assert firesim.FRAME.name == f"{llc.size_bytes // 1024} KiB / {llc.line_bytes} B"
    assert firesim.FRAME.settings == ()


def every_run():
    return [case for choice in CHOICES for value in choice.values for case in runs_of(choice, value).values()]


def test_every_value_of_every_choice_is_a_config():
    for case in every_run():
        assert len(load(config_of(case)).corunners) == case.corunners


def test_choices_move_what_they_say(tmp_path):
    def run(wanted):
        assert len(set(wanted)) == len(wanted)
        return {case: made_up(60 + 10 * case.corunners + len(case.settings)) for case in wanted}

    write_sensitivity(tmp_path / "table.md", list(CHOICES), run)
    lines = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    heads, _, *lines = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    assert len(lines) == sum(len(choice.values) for choice in CHOICES)
    rows = {(line[0], line[1]): line for line in lines}
    assert all(len(line) == len(heads) for line in lines)
    base = rows["as the config has it (`config`)", "-"]
    assert base[2] == "60.0"
    assert base[-2:] == ["1.17", "1.17"]  # 70 ms beside a co-runner, 60 alone
    assert rows["an array that fits the LLC (`llc_array`)", "64 KiB"][-2:] == ["1.17", ""]


def test_the_crowd_of_a_choice_is_of_every_corunner():
    case = next(case for case in every_run() if case.crowd == (("frames", None),))._replace(corunners=4)
    assert [each["frames"] for each in config_of(case)["corunners"]] == [None] * 4
    assert {each["frames"] for each in config_of(case._replace(crowd=()))["corunners"]} == {"1 GiB"}
    assert config_of(FRAME)["corunners"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"sensitivity": "t.md", "choices": "drivers"},
            "--choices: 'drivers' is not known; did you mean 'driver'",
        ),
        ({"sensitivity": "no/t.md"}, "--sensitivity no/t.md: cannot be written; write a file in an existing"),
        ({"choices": "driver"}, "--choices: goes with --sensitivity FILE; write both, or neither"),
    ],
)
def test_options_of_sensitivity_that_cannot_be(options, words):
    with pytest.raises(ConfigError, match=words):
        list(firesim.figures(**options))


@pytest.mark.parametrize("last", ["core", "accelerator"])
def test_the_accelerators_time_needs_no_run_to_the_end(last, monkeypatch):
    conv = {"conv": {"input": [16, 16, 16], "kernels": 32, "kernel": "3x3", "padding": 1}}
    logistic = {"activation": {"function": "logistic"}}
    layers = [conv, logistic, {"conv": {"kernels": 8, "kernel": "1x1"}}]
    crowd = next(case for case in cases(every=True) if case.name == "2 x DRAM")
    config = config_of(crowd._replace(crowd=(("on", "core1"),), corunners=1))
    job = {"on": "nvdla0", "fallback": "core0", "planner": "regions"}
    config["workloads"] = {"net": job | {"layers": [*layers, logistic] if last == "core" else layers}}
    phases = simulator.run(config).summary["workloads"]["net"]["phases"]
    assert phases["cpu_s"] > 0
    monkeypatch.setattr("simulator.soc.run.FEWEST_EVENTS", 500)
    monkeypatch.setattr("simulator.soc.run.SLICE_S", 1e-5)
    if last == "core":  # it ends before there are phases of a whole frame
        monkeypatch.setattr("simulator.results.summary.phases", None)
    assert accelerator_seconds(config) == pytest.approx(phases["accelerator_s"], rel=1e-12)
