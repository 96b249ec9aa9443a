"""The data of a run's page: sums are the run's own, and what nobody measured is not drawn as work."""

import json
import math

import pytest
from synthetic import synthetic_result

from simulator.report import run_data as views
from simulator.report.page import json_text
from simulator.report.run_data import (
    blame_data,
    energy_data,
    latency_data,
    operations_data,
    run_data,
    slices_data,
)
from simulator.report.run_page import run_page

NAMES = ("victim", "job", "frame", "layer", "culprit", "level", "cause", "time_s")


def blame_table(count: int) -> dict[str, list]:
    rows = [
        ("nvdla0", "a", 0, f"conv_{i}", "core1", "dram", "queue_full", 1e-6 * (i + 1)) for i in range(count)
    ]
    return dict(zip(NAMES, map(list, zip(*rows))))


def test_blame_of_many_layers_keeps_its_sum(monkeypatch):
    monkeypatch.setattr(views, "MOST_WAITS_SHOWN", 10)
    result = synthetic_result()
    result.blame = blame_table(50)
    found = blame_data(result)
    assert len(found["cells"]) == 11
    assert sum(cell[3] for cell in found["cells"]) == pytest.approx(sum(result.blame["time_s"]))
    shown = {found["layers"][cell[4]]: cell[3] for cell in found["cells"]}
    assert set(shown) == {"", *(f"conv_{i}" for i in range(40, 50))}


def test_layers_of_several_jobs_are_told_apart_in_blame():
    result = synthetic_result()
    table = blame_table(2)
    table["job"], table["layer"] = ["a", "b"], ["conv", "conv"]
    result.blame = table
    assert blame_data(result)["layers"] == ["a.conv", "b.conv"]


def test_blame_of_a_run_without_a_table_is_its_interference():
    result = synthetic_result()
    found = blame_data(result)
    told = {
        (found["victims"][v], found["culprits"][c]): 0.0 for v, c, *_ in found["cells"]
    }  # fmt: skip
    for v, c, _, seconds, _ in found["cells"]:
        told[found["victims"][v], found["culprits"][c]] += seconds
    delays = result.summary["interference"]
    assert told == {(v, c): pytest.approx(delays[v][c]["delay_s"]) for v, c in told}
    assert found["culprits"][: len(found["victims"])] == found["victims"]


def test_shares_of_latencies_sum_to_one():
    for each in latency_data(synthetic_result()):
        assert math.fsum(share for _, share in each["bins"]) == pytest.approx(1.0)
        assert [low for low, _ in each["bins"]] == sorted(low for low, _ in each["bins"])


def test_what_a_core_did_is_not_drawn_as_work_when_nobody_measured_it():
    result = synthetic_result()
    ops = dict(result.ops)
    ops["kind"] = ["cpu_upsample" if kind == "upsample" else kind for kind in ops["kind"]]
    for name in [name for name in ops if name.startswith("stall_")]:
        ops[name] = [0 if kind == "cpu_upsample" else n for kind, n in zip(ops["kind"], ops[name])]
    result.ops = ops
    layers = {layer["name"]: layer for layer in run_data(result)["layers"]}
    assert layers["upsample_7"]["waits"] == {"not measured": pytest.approx(layers["upsample_7"]["seconds"])}
    assert layers["upsample_7"]["working"] == 0
    assert layers["conv_0"]["working"] > 0
    assert slices_data(ops)["why"][7] == "not measured"


def test_energy_is_by_unit_where_the_run_has_it_and_of_dram_alone_elsewhere():
    summary = synthetic_result().summary
    assert energy_data(summary) == [
        ("dram.channel0", "activate", 0.004), ("dram.channel0", "read", 0.012), ("dram.channel0", "write", 0.005),
    ]  # fmt: skip
    summary["energy"] = {
        "by_unit": {"nvdla0": {"dynamic_j": 0.5, "leakage_j": 0.1}, "llc": {"dynamic_j": 0.0}}
    }
    assert energy_data(summary) == [("nvdla0", "dynamic", 0.5), ("nvdla0", "leakage", 0.1)]


def test_the_longest_operations_are_kept_where_they_are_very_many(monkeypatch):
    monkeypatch.setattr(views, "MOST_SLICES", 5)
    ops = synthetic_result().ops
    lengths = sorted(end - start for start, end in zip(ops["start_s"], ops["end_s"]))
    found = slices_data(ops)
    assert sorted(e - s for s, e in zip(found["start_s"], found["end_s"])) == lengths[-5:]
    assert found["start_s"] == sorted(found["start_s"])


def test_columns_without_a_number_are_left_out_of_the_operations():
    ops = dict(synthetic_result().ops) | {"nothing": [0] * 24}
    names = [column["name"] for column in operations_data(ops)]
    assert "nothing" not in names
    assert names[-1] == "waited for"


def test_data_cannot_end_the_script_that_holds_it():
    text = json_text({"a": "</script><!--", "b": float("nan"), "c": 0.1 + 0.2})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--", "b": None, "c": 0.3}
    assert json.loads(json_text(["conv", "pool"] * 40))["of"] == ["conv", "pool"]


def test_the_page_has_the_lines_on_slow_layers_escaped():
    result = synthetic_result()
    result.summary["slow_layers"] = [{"text": "conv_<0>: 9 ms, 55 % of its waits beside core1"}]
    assert "<li>conv_&lt;0&gt;: 9 ms, 55 % of its waits beside core1</li>" in run_page(result)


def test_the_page_of_a_large_run_stays_below_a_megabyte_and_a_half():
    result = synthetic_result()
    many = 20_000
    ops = {name: [values[i % 24] for i in range(many)] for name, values in result.ops.items()}
    ops["layer"] = [f"model.layers.{i % 300}.self_attn.q_proj" for i in range(many)]
    ops["start_s"] = [i * 1.234567e-6 for i in range(many)]
    ops["end_s"] = [start + 1.1e-6 for start in ops["start_s"]]
    result.ops = ops
    result.blame = blame_table(20_000)
    result.bandwidth = {"time_s": list(range(1024))} | {
        f"master{m}": [m + i * 1.23456e9 for i in range(1024)] for m in range(8)
    }
    page = run_page(result)
    assert len(page.encode()) < 1_500_000
    assert "The first 1000 of 20000 operations: ops.csv has all" in page


def test_energy_and_area_are_cards_and_a_column_of_the_layers():
    result = synthetic_result()
    assert "Energy and area" not in run_page(result)
    result.summary["energy"] = {
        "node_nm": 28, "total_j": 0.5, "low_j": 0.25, "high_j": 1.0, "dynamic_j": 0.4, "leakage_j": 0.1, "average_w": 2.0,
        "by_unit": {"nvdla0": {"dynamic_j": 0.4, "leakage_j": 0.1}}, "by_job": {"detect": {"total_j": 0.5, "frame_j": 0.125}},
        "area_mm2": {"llc": 2.5, "total": 5.25},
    }  # fmt: skip
    names = ("job", "layer", "unit", "dynamic_j", "leakage_j")
    rows = [
        ("", "conv_0", "nvdla0", 0.25, 0.05),
        ("", "conv_0", "llc", 0.1, 0.0),
        ("", "idle", "core1", 0.1, 0.0),
    ]
    result.energy = dict(zip(names, map(list, zip(*rows))))
    page = run_page(result)
    assert "<h2>Energy and area, 28 nm, to first order</h2>" in page
    assert "<b>500 mJ</b><span>energy, 250 mJ to 1 J</span>" in page
    assert "<b>125 mJ</b><span>a frame of detect</span>" in page
    assert "<b>5.25 mm\u00b2</b><span>area: total</span>" in page
    assert '<td data-value="0.4">400 mJ</td>' in page
