"""What the summary, plots and comparisons say of a run."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from sweep_files import SWEEP
from synthetic import synthetic_result

from hw_models.errors import ConfigError
from simulator.cli.report import write_report
from simulator.cli.terminal import output_console, print_run, progress_bar
from simulator.report.blamed import slowed_layers
from simulator.report.compare import unique_names, write_comparison
from simulator.report.frames import frame_times
from simulator.report.layers import layers_of
from simulator.report.measures import change, comparison, differences
from simulator.report.plots import run_plots
from simulator.report.write import write_run

OPS = {
    "unit": ["conv", "sdp", "conv", "core0"],
    "job": ["a", "a", "a", "a"],
    "op": [0, 1, 2, 3],
    "layer": ["conv_0", "conv_0", "conv_1", "yolo"],
    "kind": ["conv", "conv", "conv", "yolo"],
    "start_s": [0.0, 1.0, 2.0, 5.0],
    "end_s": [1.0, 2.0, 5.0, 5.5],
    "cycles": [100, 100, 300, 50],
    "macs": [1000, 0, 6000, 0],
    "mac_utilization": [0.1, 0.0, 0.2, 0.0],
    "read_bytes": [10, 20, 30, 40],
    "write_bytes": [1, 2, 3, 4],
    "stall_weight_fetch_cycles": [10, 0, 150, 0],
    "stall_output_cycles": [0, 40, 0, 0],
}


def text_of(printed) -> str:
    console = Console(file=io.StringIO(), width=160)
    printed(console)
    return console.file.getvalue()


def test_a_layer_gathers_its_operations():
    first, second, third = layers_of(OPS)
    assert (first.name, first.seconds, first.cycles, first.macs) == ("conv_0", 2.0, 200, 1000)
    assert first.units == {"conv", "sdp"}
    assert (first.read_bytes, first.write_bytes, first.total_bytes) == (30, 3, 33)
    assert first.waited_for == "output 20 %, weight fetch 5 %"
    assert second.waited_for == "weight fetch 50 %"
    assert third.waited_for == "nothing"
    assert first.peak_macs_per_s == pytest.approx(10_000)


def test_layers_of_two_jobs_are_kept_apart():
    both = {**OPS, "job": ["a", "a", "b", "b"], "layer": ["conv_0"] * 4}
    assert [(layer.name, layer.cycles) for layer in layers_of(both)] == [("a.conv_0", 200), ("b.conv_0", 350)]


def test_an_empty_run_has_no_layers_and_no_plots_of_them():
    result = synthetic_result()
    result.ops = {name: [] for name in result.ops}
    assert layers_of(result.ops) == []
    assert set(run_plots(result)) == {"bandwidth", "interference"}


def test_a_layer_that_has_taken_no_time_yet_has_no_place_in_the_roofline(tmp_path):
    result = synthetic_result()
    columns = {name: list(column[:4]) for name, column in result.ops.items()}
    first = columns["layer"][0]
    columns["end_s"] = [
        start if layer == first else end
        for layer, start, end in zip(columns["layer"], columns["start_s"], columns["end_s"], strict=True)
    ]
    result.ops = columns
    assert [one.macs * one.total_bytes > 0 for one in layers_of(result.ops) if one.seconds == 0] == [True]
    write_run(result, tmp_path / "run")
    shown = {text.get_text() for text in run_plots(result)["roofline"].axes[0].texts}
    assert first not in shown


def test_a_layer_that_took_as_long_at_another_time_is_no_difference(tmp_path):
    early, late = synthetic_result(), synthetic_result()
    late.ops = {n: [t + 1 for t in c] if n in ("start_s", "end_s") else c for n, c in late.ops.items()}
    assert max(abs(a.seconds - b.seconds) for a, b in zip(layers_of(early.ops), layers_of(late.ops))) > 0
    assert slowed_layers(late, early) == slowed_layers(early, late) == []
    for name, run in (("early", early), ("late", late)):
        write_run(run, tmp_path / name, plots=False)
    write_comparison(
        Console(file=io.StringIO()), [tmp_path / "early", tmp_path / "late"], tmp_path / "page.html"
    )
    table = (tmp_path / "page.html").read_text().split('id="layers-table"')[1].split("</table>")[0]
    assert table.count(">0 s<") >= len(layers_of(early.ops))


def test_frame_times_are_drawn_when_there_are_several():
    job = {"latency_s": 0.1, "frame_latency_s": [0.1, 0.3, 0.2], "deadline": {"limit_s": 0.25}}
    figure = frame_times([("a", job), ("single", {"latency_s": 0.1})])
    (axes,) = figure.axes
    (line,) = [one for one in axes.lines if len(one.get_xdata()) == 4]
    assert line.get_xdata().tolist() == [0.1, 0.1, 0.2, 0.3]
    assert line.get_ydata().tolist() == pytest.approx([0, 100 / 3, 200 / 3, 100])
    assert frame_times([("single", {"latency_s": 0.1})]) is None


def test_the_terminal_summary_has_what_a_person_looks_for():
    said = text_of(lambda console: print_run(console, synthetic_result(), "runs/x"))
    for words in (
        "8.333 frames/s",
        "accelerator 84 ms, cpu 36 ms",
        "8.1 %",
        "slowest layers",
        "conv_16",
        "data fetch 19.6 %",
        "waits, charged to",
        "171.4 ns",
        "87.5 %",
        "warning: layer 'roi_3'",
        "written to runs/x",
    ):
        assert words in said


def test_names_with_brackets_are_shown_whole(capsys):
    result = synthetic_result()
    result.ops = {**result.ops, "layer": ["block[conv]"] * len(result.ops["layer"])}
    print_run(output_console(), result, "runs/[x]")
    out = capsys.readouterr().out
    assert "block[conv]" in out
    assert "runs/[x]" in out


def test_without_a_corunner_the_summary_has_no_matrix():
    said = text_of(lambda console: print_run(console, synthetic_result(corunner=False), "runs/x"))
    assert "charged to" not in said


def test_the_progress_bar_is_silent_when_nobody_watches():
    console = Console(file=io.StringIO())
    with progress_bar(console, True) as progress:
        assert progress is None
    assert console.file.getvalue() == ""


def test_the_progress_bar_shows_simulated_time_and_rate():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with progress_bar(console, True) as progress:
        progress(0.5, 0.01, 1000)
    assert "simulated" in console.file.getvalue()
    with progress_bar(console, False) as progress:
        assert progress is None


def test_a_comparison_marks_what_is_better_and_what_differs(tmp_path):
    slow, fast = synthetic_result(latency_s=0.2), synthetic_result(corunner=False, latency_s=0.1)
    fast.config = {"name": "made up", "workloads": {"detect": {"on": "nvdla1"}}}
    rows = {row.name: row for row in comparison([slow, fast])}
    assert rows["detect: latency"].values == [0.2, 0.1]
    assert rows["detect: slowdown"].values == [1.0, 0.5]
    assert rows["nvdla0: delay charged to others"].values == [0.021, 0]
    assert differences([slow, fast]) == [("workloads.detect.on", ["nvdla0", "nvdla1"])]
    for name, result in (("slow", slow), ("fast", fast)):
        write_run(result, tmp_path / name, plots=False)
    page = tmp_path / "compare.html"
    said = text_of(lambda console: write_comparison(console, [tmp_path / "slow", tmp_path / "fast"], page))
    assert "100 ms (-50.0 %)" in said
    html = page.read_text()
    assert '<td class="better" data-value="0.1">100 ms (-50.0 %, better)</td>' in html


@pytest.mark.parametrize(
    ("value", "base", "said"),
    [(1.5, 1.0, "+50.0 %"), (1.0, 1.0, ""), (0.9999, 1.0, ""), (None, 1.0, ""), (1.0, 0.0, "")],
)
def test_a_change_is_told_against_the_baseline(value, base, said):
    assert change(value, base) == said


def test_runs_of_the_same_name_are_told_apart(tmp_path):
    assert unique_names([tmp_path / "a/run", tmp_path / "b/run"]) == ["a/run", "b/run"]
    assert unique_names([tmp_path / "a", tmp_path / "b"]) == ["a", "b"]


def test_one_run_alone_cannot_be_compared(tmp_path):
    with pytest.raises(ConfigError) as caught:
        write_comparison(Console(), [tmp_path], tmp_path / "x.html")
    assert str(caught.value) == "DIR: one run cannot be compared; write two or more folders"


def test_a_report_is_written_again_from_the_folder_alone(tmp_path):
    write_run(synthetic_result(), tmp_path / "run", plots=False)
    assert write_report(tmp_path / "run") == tmp_path / "run/report.html"
    for figure in (tmp_path / "run/plots").glob("*.png"):
        pdf = figure.with_suffix(".pdf").read_bytes()
        assert pdf.startswith(b"%PDF")
        assert b"/CIDFontType2" in pdf  # TrueType: fonts are embedded and text stays text
    assert "a &lt;made-up&gt; network" in (tmp_path / "run/report.html").read_text()


def test_figures_have_units_at_their_axes_and_are_as_wide_as_a_papers_text():
    figures = run_plots(synthetic_result())
    assert {figure.get_figwidth() for name, figure in figures.items() if name != "interference"} == {7.0}
    labels = {name: (f.axes[0].get_xlabel(), f.axes[0].get_ylabel()) for name, f in figures.items()}
    assert labels["bandwidth"] == ("time [ms]", "bandwidth [GB/s]")
    assert labels["layer_latency"] == ("layer, in order", "time [ms]")
    assert labels["roofline"] == ("MAC per byte of memory traffic", "speed [TMAC/s]")
    assert labels["cycles"][0] == "time [ms]"


def test_the_page_of_a_sweep_names_its_folder_and_has_its_base(tmp_path, monkeypatch):
    import simulator

    monkeypatch.chdir(tmp_path)
    simulator.sweep(SWEEP, out="runs/tokens")
    for _ in range(2):  # as the sweep and as `dlasim report` write it
        html = (tmp_path / "runs/tokens/report.html").read_text(encoding="utf-8")
        assert '"folder":"runs/tokens"' in html
        assert "preset: m1_max_metal" in html
        (tmp_path / "runs/tokens/report.html").unlink()
        write_report(Path("runs/tokens"))
