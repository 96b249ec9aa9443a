"""The pages in a browser: nothing on the console, and zoom, filter, sort and brush do what they say."""

import dataclasses
import os
import time
from pathlib import Path

import pytest
from browser import chromium, complaints, show, too_wide, zoom_of
from synthetic import synthetic_result

import simulator
from simulator.report.compare import write_comparison
from simulator.report.labels import unit_of
from simulator.report.run_page import run_page
from simulator.report.write import write_run
from simulator.results.result import Result
from simulator.results.run_folder import read_run
from simulator.sweeps.outcome import SweepOutcome
from simulator.sweeps.page import sweep_page

HOSTILE = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def run(browser, tmp_path):
    """The page of a made-up run, open."""
    page = tmp_path / "run.html"
    page.write_text(run_page(synthetic_result()), encoding="utf-8")
    show(browser, page)
    return browser


def css(browser, selector):
    return browser.find_elements("css selector", selector)


def soon(what, seconds=3.0):
    """Wait until ``what()`` holds."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def column(browser, table: str, index: int) -> list[str]:
    """Return the texts of a column's cells that are shown."""
    rows = [row for row in css(browser, f"#{table} tbody tr") if row.is_displayed()]
    return [row.find_elements("css selector", "td")[index].text for row in rows]


def test_the_first_line_of_a_run_is_its_deadline_in_a_word(run):
    first = css(run, "main > *")[0]
    assert first.text.startswith(
        "\u2717 MISSED\ndetect: deadline 132 ms: missed 1 of 4, worst +24 ms (frame 2)"
    )
    assert first.value_of_css_property("color") == "rgba(176, 32, 26, 1)"


def test_blame_and_slow_layers_are_within_a_screen(run):
    for chart in ("blame", "slow"):
        box = css(run, f"#{chart} svg")[0].rect
        assert box["height"] > 100
        assert box["y"] + box["height"] < 900, chart


def test_every_chart_of_a_run_is_drawn_without_network(run):
    assert run.execute_script("return performance.getEntriesByType('resource').length") == 0
    for chart in ("blame", "slow", "timeline", "latency", "frames", "roofline", "energy"):
        assert css(run, f"#{chart} .plot svg path"), chart


def test_queues_lie_below_the_timeline_and_zoom_with_it(run):
    shown = "const o = dlasim.charts.timeline.chart.getOption();"
    names = run.execute_script(f"{shown} return o.series.filter(s => s.yAxisIndex === 2).map(s => s.name)")
    assert names == ["dram.0 queue", "llc MSHRs"]
    assert run.execute_script(f"{shown} return o.dataZoom.map(zoom => zoom.xAxisIndex)") == [[0, 1, 2]] * 2


def test_links_lead_to_what_the_page_shows(run):
    targets = [link.get_attribute("href").rpartition("#")[2] for link in css(run, "nav a")]
    assert [name for name in targets if not css(run, f"#{name}")] == []


def test_a_run_without_masters_has_no_links_to_them(browser, tmp_path):
    result = synthetic_result()
    result.summary = result.summary | {"masters": {}, "interference": {}, "dram": {}}
    page = tmp_path / "alone.html"
    page.write_text(
        run_page(dataclasses.replace(result, latency={}, frames={}, bandwidth={}, queues={})),
        encoding="utf-8",
    )
    show(browser, page)
    shown = [link.text for link in css(browser, "nav a") if link.is_displayed()]
    assert shown == ["slow layers", "timeline", "roofline", "layers", "config"]
    assert too_wide(browser) == []


def test_keys_buttons_and_wheel_zoom_the_timeline(run):
    plot = css(run, "#timeline .plot")[0]
    plot.send_keys("+")
    assert zoom_of(run, "timeline") == (25, 75)
    plot.send_keys("\ue014")  # arrow right
    assert zoom_of(run, "timeline") == (35, 85)
    next(b for b in css(run, "#timeline button") if b.text == "all").click()
    assert zoom_of(run, "timeline") == (0, 100)
    wheel(run, plot, -300)
    soon(lambda: zoom_of(run, "timeline") != (0, 100))
    start, end = zoom_of(run, "timeline")
    assert end - start < 100
    drag(run, plot, -200)
    assert zoom_of(run, "timeline")[0] > start
    assert complaints(run) == []


def wheel(browser, target, by):
    """Turn the wheel over the target's upper middle with Ctrl held."""
    script = "const box = arguments[0].getBoundingClientRect(); return [box.x + box.width / 2, box.y + 80]"
    x, y = browser.execute_script(script, target)
    event = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": by, "modifiers": 2}
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def drag(browser, target, by):
    from selenium.webdriver import ActionChains

    ActionChains(browser, duration=20).move_to_element(target).click_and_hold().move_by_offset(
        by, 0
    ).release().perform()


def test_hovering_tells_what_a_layer_waited_for(run):
    from selenium.webdriver import ActionChains

    bar = css(run, "#slow svg")[0]
    ActionChains(run, duration=20).move_to_element_with_offset(bar, -80, 0).perform()
    soon(lambda: "waits: " in css(run, "#slow .plot")[0].text)
    assert "takes: " in css(run, "#slow .plot")[0].text


def test_layers_sort_by_a_click_on_the_heading_and_say_so(run):
    heading = next(h for h in css(run, "#layers-table th") if h.text.startswith("time"))
    seconds = [float(c.get_attribute("data-value")) for c in css(run, "#layers-table tbody td:nth-child(4)")]
    for order, ordered in (("ascending", sorted(seconds)), ("descending", sorted(seconds)[::-1])):
        heading.find_element("tag name", "button").click()
        assert heading.get_attribute("aria-sort") == order
        cells = css(run, "#layers-table tbody td:nth-child(4)")
        assert [float(c.get_attribute("data-value")) for c in cells] == ordered


def test_layers_filter_by_words(run):
    css(run, "input[data-filters='layers-table']")[0].send_keys("upsample")
    assert column(run, "layers-table", 1) == ["upsample_7", "upsample_15", "upsample_23"]
    assert css(run, "output[data-counts='layers-table']")[0].text == "3 of 24"


def test_every_operation_is_a_table_made_when_it_is_opened(run):
    css(run, "#operations summary")[0].click()
    soon(lambda: css(run, "#operations table"))
    assert len(css(run, "#operations tbody tr")) == 24
    css(run, "#operations input")[0].send_keys("conv_3")
    assert len(css(run, "#operations tbody tr")) == 1
    assert too_wide(run) == []


def test_a_theme_is_light_or_dark(run):
    backs = []
    for _ in range(3):
        backs.append(css(run, "body")[0].value_of_css_property("background-color"))
        css(run, "nav .theme")[0].click()
    assert backs[1:] == ["rgba(255, 255, 255, 1)", "rgba(22, 25, 30, 1)"]
    assert complaints(run) == []


def test_charts_and_controls_have_names_for_screen_readers(run):
    assert all(plot.get_attribute("aria-label") for plot in css(run, ".plot"))
    assert all(plot.get_attribute("tabindex") == "0" for plot in css(run, ".plot"))
    unnamed = [c for c in css(run, "button, select, input") if not c.accessible_name]
    assert unnamed == []


def test_nothing_is_wider_than_the_page_or_cut_on_paper(run):
    assert too_wide(run) == []
    run.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    run.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 720, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        assert too_wide(run) == []
    finally:
        run.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        run.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def hostile_result() -> Result:
    """Return a run in which every name is markup that would tell if it ran."""
    result = synthetic_result()
    summary, ops = dict(result.summary), dict(result.ops)
    summary["name"] = HOSTILE
    summary["workloads"] = {HOSTILE: summary["workloads"]["detect"]}
    for part in ("masters", "interference"):
        summary[part] = {HOSTILE if k == "nvdla0" else k: v for k, v in summary[part].items()}
    ops["layer"], ops["unit"] = [f"{HOSTILE}{i}" for i in range(24)], [HOSTILE] * 24
    bandwidth = {HOSTILE if k == "nvdla0" else k: v for k, v in result.bandwidth.items()}
    frames = dict(result.frames) | {"job": [HOSTILE] * 4}
    return dataclasses.replace(
        result, summary=summary, ops=ops, bandwidth=bandwidth, frames=frames, warnings=[HOSTILE],
        config={"name": HOSTILE},
    )  # fmt: skip


def test_names_of_users_are_text(browser, tmp_path):
    page = tmp_path / "hostile.html"
    page.write_text(run_page(hostile_result()), encoding="utf-8")
    show(browser, page)
    css(browser, "#operations summary")[0].click()
    hover_everything(browser)
    assert css(browser, "h1")[0].text == HOSTILE
    assert browser.execute_script("return window.hacked") is None
    assert css(browser, "img") == []
    assert complaints(browser) == []


def hover_everything(browser):
    """Show a tooltip of every series."""
    browser.execute_script(
        """for (const each of Object.values(dlasim.charts)) each.chart?.getOption().series.forEach((series, i) =>
            series.type !== 'parallel' && each.chart.dispatchAction({type: 'showTip', seriesIndex: i, dataIndex: 0}));"""
    )
    time.sleep(0.2)


@pytest.fixture
def comparison(browser, tmp_path):
    """The page of two made-up runs side by side, open."""
    from rich.console import Console

    for name, latency in (("slow", 0.2), ("fast", 0.1)):
        write_run(synthetic_result(latency_s=latency), tmp_path / name, plots=False)
    page = tmp_path / "compare.html"
    limits = ["workloads.*.latency_s > +5 %", "masters.*.bandwidth_bytes_per_s < 2 GB/s"]
    with (tmp_path / "said").open("w") as said:
        write_comparison(Console(file=said), [tmp_path / "slow", tmp_path / "fast"], page, limits)
    show(browser, page)
    return browser


def test_a_comparison_says_which_limit_is_broken_first(comparison):
    first = css(comparison, "main > *")[0].text
    said = "masters.nvdla0.bandwidth_bytes_per_s is 1.2 GB/s, against 1.2 GB/s (masters.*.bandwidth_bytes_per_s < 2 GB/s)"
    assert first == f"\u2717 FAILED\nfast: {said}"
    assert too_wide(comparison) == []


def test_many_runs_with_long_names_fit_the_page(browser, tmp_path):
    from rich.console import Console

    folders = [tmp_path / f"a_rather_long_name_of_a_run_{i}" for i in range(7)]
    for i, folder in enumerate(folders):
        write_run(synthetic_result(latency_s=0.1 + 0.01 * i), folder, plots=False)
    with (tmp_path / "said").open("w") as said:
        write_comparison(Console(file=said), folders, tmp_path / "many.html")
    show(browser, tmp_path / "many.html")
    assert too_wide(browser) == []
    assert (tmp_path / "many.html").stat().st_size < 1_500_000


def test_a_comparison_shows_a_run_or_the_difference(comparison):
    for chart in ("blame", "blame2", "changed", "frames", "times", "times2", "latency", "energy", "roofline"):
        assert css(comparison, f"#{chart} .plot svg path"), chart
    select = css(comparison, "#blame2 select")[1]
    select.find_elements("tag name", "option")[1].click()
    hover_everything(comparison)
    assert complaints(comparison) == []


def made_up_sweep() -> SweepOutcome:
    """Return 12 points over two axes: larger caches are faster and cost more; one point failed."""
    outcome = SweepOutcome(
        "a <b>sweep</b>", ["system.llc.size", "system.llc.ways"], {"a.latency_s": "minimize", "a.energy_j": "minimize"},
        ["a.latency_s", "a.energy_j"],
    )  # fmt: skip
    for i, size in enumerate(("512 KiB", "1 MiB", "2 MiB", "4 MiB")):
        for ways in (4, 8, 16):
            failed = (size, ways) == ("4 MiB", 16)
            values = {
                "a.latency_s": 0.01 / (1 + i) + 0.001 * (ways == 4),
                "a.energy_j": 0.1 + 0.05 * i + 0.001 * ways,
            }
            point = {"system.llc.size": size, "system.llc.ways": ways}
            outcome.add(
                point, dict.fromkeys(values) if failed else values, not failed, "<i>died</i>" * failed
            )
    outcome.mark_pareto()
    return outcome


def test_a_table_of_many_columns_fits_the_page(browser, tmp_path):
    paths = [f"max(masters.a_core_{i}.read_latency_s.p99)" for i in range(22)]
    outcome = SweepOutcome("many", ["system.llc.size", "load"], {paths[0]: "minimize"}, paths)
    for size in ("512 KiB", "1 MiB"):
        outcome.add(
            {"system.llc.size": size, "load": "beside three"}, dict.fromkeys(paths, 1.23456e-7), True, ""
        )
    outcome.mark_pareto()
    page = tmp_path / "many.html"
    page.write_text(sweep_page(outcome, {"name": "base"}, "runs/many"), encoding="utf-8")
    show(browser, page)
    assert too_wide(browser) == []


@pytest.mark.parametrize(
    "path",
    [
        "a.latency_s", "max(masters.*.read_latency_s.p99)", "p95(a.frame_latency_s)", "a.frame_latency_s.0", "a.energy_j",
        "sum(dram.*.energy_j) * a.latency_s", "a.read_bytes", "sum(masters.*.bandwidth_bytes_per_s)", "a.macs",
    ],
)  # fmt: skip
def test_a_page_and_a_plot_take_a_path_for_the_same_unit(sweep, path):
    in_page = sweep.execute_script("return unitOf(arguments[0])", path)
    assert {"plain": "", "%": ""}.get(in_page, in_page) == unit_of(path)


@pytest.fixture
def sweep(browser, tmp_path):
    """The page of a made-up sweep, open."""
    page = tmp_path / "sweep.html"
    page.write_text(sweep_page(made_up_sweep(), {"name": "base"}, "runs/llc"), encoding="utf-8")
    show(browser, page)
    return browser


def points(browser) -> list[str]:
    """Return the numbers of the points that the table shows."""
    return [row.find_element("css selector", "td").text for row in css(browser, "#table tbody tr")]


def pull(browser, start, end):
    """Drag from one place of the page's window to another, as a hand does."""
    move = {"type": "mouseMoved", "button": "none"}
    steps = [
        (start[0] + (end[0] - start[0]) * k / 8, start[1] + (end[1] - start[1]) * k / 8) for k in range(9)
    ]
    for kind, (x, y) in [
        ("mouseMoved", start),
        ("mousePressed", start),
        *(("mouseMoved", at) for at in steps),
        ("mouseReleased", end),
    ]:
        event = (
            move
            | {"type": kind, "x": x, "y": y}
            | ({"button": "left", "clickCount": 1} if kind != "mouseMoved" else {})
        )
        if kind == "mouseMoved" and (x, y) != start:
            event |= {"button": "left", "buttons": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def corner(browser, chart):
    """Bring a chart into the window; return where its plot begins there."""
    return browser.execute_script(
        """const plot = document.querySelector(`#${arguments[0]} .plot`); plot.scrollIntoView({block: 'center'});
        const box = plot.getBoundingClientRect(); return [box.x, box.y, box.width, box.height];""",
        chart,
    )


def pixel(browser, chart, finder, value):
    """Return where a chart draws a value, in the window."""
    x, y, *_ = corner(browser, chart)
    at = browser.execute_script(
        "return dlasim.charts[arguments[0]].chart.convertToPixel(arguments[1], arguments[2])",
        chart,
        finder,
        value,
    )
    return x + at[0], y + at[1]


def test_every_chart_of_a_sweep_is_drawn(sweep):
    for chart in ("scatter", "parallel", "map", "effects", "along"):
        assert css(sweep, f"#{chart} .plot svg path"), chart
    hover_everything(sweep)
    assert css(sweep, "h1")[0].text == "a <b>sweep</b>"
    assert too_wide(sweep) == []
    assert complaints(sweep) == []


def test_a_box_in_the_scatter_keeps_its_points_everywhere(sweep):
    assert len(points(sweep)) == 12
    start = pixel(sweep, "scatter", {"xAxisIndex": 0, "yAxisIndex": 0}, [0.0028, 0.235])
    end = pixel(sweep, "scatter", {"xAxisIndex": 0, "yAxisIndex": 0}, [0.004, 0.195])
    pull(sweep, start, end)
    soon(lambda: len(points(sweep)) < 12)
    assert points(sweep) == ["7", "8"]
    bright = sweep.execute_script(
        "return dlasim.charts.parallel.chart.getOption().series[0].data.filter(d => d.lineStyle.opacity > 0.1).map(d => d.point)"
    )
    assert bright == [7, 8]
    assert complaints(sweep) == []


def test_a_stretch_of_a_parallel_axis_keeps_its_points_everywhere(sweep):
    x, y, *_ = corner(sweep, "parallel")
    first = 60  # the left margin of the axes: the LLC's size, the largest at the top
    pull(sweep, (x + first, y + 58), (x + first, y + 80))
    soon(lambda: len(points(sweep)) < 12)
    assert points(sweep) == ["9", "10"]
    bright = sweep.execute_script(
        "return dlasim.charts.scatter.chart.getOption().series.flatMap(s => s.data).filter(d => d.itemStyle.opacity > 0.5).map(d => d.value[2])"
    )
    assert sorted(bright) == [9, 10]


def test_a_click_on_a_point_shows_its_settings(sweep):
    from selenium.webdriver.common.keys import Keys

    x, y = pixel(sweep, "scatter", {"xAxisIndex": 0, "yAxisIndex": 0}, [0.0025, 0.258])
    pull(sweep, (x, y), (x, y))
    soon(lambda: css(sweep, "#picked")[0].is_displayed())
    panel = css(sweep, "#picked")[0].text
    assert "Point 10, on the front" in panel
    assert "system.llc.size: 4 MiB\nsystem.llc.ways: 8" in panel
    assert "dlasim sweep show runs/llc 10" in panel
    css(sweep, "#table tbody tr")[2].send_keys(Keys.ENTER)
    assert "Point 2" in css(sweep, "#picked")[0].text


def test_the_map_is_of_the_axes_that_are_chosen(sweep):
    def across():
        return sweep.execute_script("return dlasim.charts.map.chart.getOption().xAxis[0].data")

    assert across() == ["512 KiB", "1 MiB", "2 MiB", "4 MiB"]
    css(sweep, "#map select")[0].find_elements("css selector", "option")[1].click()
    assert across() == ["4", "8", "16"]


def test_the_points_of_a_sweep_sort_by_what_they_are_worth(sweep):
    heading = next(h for h in css(sweep, "#table th") if h.text.startswith("a.latency_s"))
    heading.find_element("css selector", "button").click()
    assert points(sweep)[:2] == ["10", "7"]
    assert len(points(sweep)) == 12


def test_blame_is_of_the_layer_that_is_chosen(browser, tmp_path):
    result = synthetic_result()
    rows = [
        ("nvdla0", "detect", 0, "conv_0", "core1", "dram", "queue_full", 0.015),
        ("nvdla0", "detect", 1, "conv_1", "nvdla0", "dram", "bank_busy", 0.005),
        ("core1", "", "", "", "nvdla0", "llc", "bus_busy", 0.004),
    ]
    names = ("victim", "job", "frame", "layer", "culprit", "level", "cause", "time_s")
    result.blame = dict(zip(names, map(list, zip(*rows))))
    page = tmp_path / "blame.html"
    page.write_text(run_page(result), encoding="utf-8")
    show(browser, page)

    def shares():
        option = browser.execute_script("return dlasim.charts.blame.chart.getOption()")
        axes = option["yAxis"][0]["data"], option["xAxis"][0]["data"]
        cells = {
            (axes[0][d["value"][1]], axes[1][d["value"][0]]): d["value"][2]
            for d in option["series"][0]["data"]
        }
        return cells["nvdla0", "core1"], cells["nvdla0", "nvdla0"]

    assert shares() == (0.75, 0.25)
    options = css(browser, "#blame select")[1].find_elements("css selector", "option")
    assert [each.text for each in options] == ["all layers", "conv_0", "conv_1"]
    options[1].click()
    assert shares() == (1.0, 0.0)
    causes = [each.text for each in css(browser, "#blame select")[0].find_elements("css selector", "option")]
    assert causes == ["all causes", "queue full in dram", "bank busy in dram", "bus busy in llc"]


def test_screenshots_of_the_documentation(browser, tmp_path):
    """SCREENSHOTS: where they go; SCREENSHOTS_OF: two run folders, the first alone, to show instead of made-up runs."""
    from rich.console import Console

    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    runs = [Path(name) for name in os.environ.get("SCREENSHOTS_OF", "").split()]
    if not runs:
        runs = [tmp_path / "alone", tmp_path / "beside"]
        for run, latency in zip(runs, (0.1, 0.2)):
            write_run(synthetic_result(latency_s=latency, corunner=run.name == "beside"), run, plots=False)
    (tmp_path / "run.html").write_text(run_page(read_run(runs[1])), encoding="utf-8")
    with (tmp_path / "said").open("w") as said:
        write_comparison(
            Console(file=said), runs, tmp_path / "compare.html", ["workloads.*.latency_s > +5 %"]
        )
    simulator.sweep(SWEEP, out=tmp_path / "sweep")
    (tmp_path / "sweep/report.html").rename(tmp_path / "sweep.html")
    for name in ("run", "compare", "sweep"):
        show(browser, tmp_path / f"{name}.html")
        metrics = {"width": 1280, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        time.sleep(0.1)
        assert browser.save_screenshot(str(folder / f"page_{name}.png"))
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert complaints(browser) == []


SWEEP = {
    "name": "LLC of LeNet-5 on nv_small",
    "base": "configs/nv_small_tiny.yaml",
    "axes": {
        "system.llc.size": ["16 KiB", "32 KiB", "64 KiB", "128 KiB", "256 KiB"],
        "system.llc.ways": [4, 8],
        "system.llc.mshrs": [2, 4, 8],
    },
    "objectives": {"workloads.classify.latency_s": "minimize", "dram.*.energy_j": "minimize"},
    "metrics": ["llc.hit_rate"],
}
