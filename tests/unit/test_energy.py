"""Energy and area to first order: the tables against other published figures, and the books that add up."""

import ast
import math
import re
from itertools import pairwise
from pathlib import Path

import pytest

import simulator
from hw_models.energy import model, tables
from hw_models.energy.tables import Figure
from simulator.config.model import load

MIB = 2**20
CONV = {"conv": {"input": [16, 8, 8], "kernels": 16, "kernel": 3, "padding": 1}}
CONFIG = {
    "system": {
        "accelerators": {
            "nvdla0": {"preset": "nv_small", "clock": "500 MHz"},
            "array0": {"kind": "systolic", "rows": 8, "columns": 8, "clock": "500 MHz"},
        },
        "cores": {"core0": {"clock": "700 MHz", "l1": "4 KiB"}, "core1": {"clock": "900 MHz", "l1": "4 KiB"}},
        "interconnect": {"clock": "400 MHz", "width": "8 B", "latency": "5 cycles"},
        "llc": {"size": "16 KiB", "ways": 4, "mshrs": 6},
        "dram": {"standard": "DDR3-1600"},
        "energy": {"node": "28 nm"},
    },
    "workloads": {
        "net": {"on": "nvdla0", "fallback": "core0", "frames": 2, "layers": [CONV, {"pool": {"kernel": 2}}]},
        "other": {"on": "array0", "layers": [CONV]},
    },
    "corunners": [{"on": "core1", "kind": "bandwidth_write", "footprint": "64 KiB"}],
    "simulation": {"max_time": "1 s"},
}


@pytest.fixture(scope="module")
def result():
    return simulator.run(CONFIG)


def within(factor, found, published):
    return published / factor <= found <= published * factor


# figures of other people's circuits that the tables were not made from


@pytest.mark.parametrize(
    ("node", "published_pj"),
    [
        (45, 0.2 + 0.1),  # multiply and add of Horowitz, ISSCC 2014
        (16, 0.28),  # NVDLA, 2048 MACs, 16 nm: 291 mW at 269 frames/s of ResNet-50 (3.86 GMAC), all included
        (7, 0.07 + 0.03),  # Jouppi et al., ISCA 2021
    ],
)
def test_an_int8_mac_is_within_a_factor_of_two_of_published_ones(node, published_pj):
    assert within(2, model.mac_pj(node), published_pj)


def test_an_sram_is_within_a_factor_of_two_of_published_ones():
    assert within(2, 32 * model.sram_pj_per_byte(28, 8192), 50)  # 256 bits from 8 KiB: Keckler et al., 2011
    assert within(2, model.sram_mm2(28, 24 * MIB), 0.29 * 331)  # unified buffer of the first TPU
    assert within(2, 8 * model.sram_pj_per_byte(7, MIB), 14)  # Jouppi et al., ISCA 2021


NVDLAS = {  # MACs, KiB -> mm2 of synthesis at 28 nm, memories included: NVDLA Primer
    (2048, 512): 5.5, (1024, 256): 3.0, (512, 256): 2.3, (256, 256): 1.7, (128, 256): 1.4,
    (64, 128): 0.91, (32, 128): 0.85,
}  # fmt: skip


@pytest.mark.parametrize(("shape", "published_mm2"), NVDLAS.items())
def test_an_nvdla_has_the_area_of_its_makers_synthesis(shape, published_mm2):
    macs, kib = shape
    assert sum(model.nvdla_mm2(28, macs, kib * 1024).values()) == pytest.approx(published_mm2, rel=0.08)


def test_an_nvdla_of_another_node_has_the_area_of_its_makers_synthesis_there():
    assert sum(model.nvdla_mm2(16, 64, 128 * 1024).values()) == pytest.approx(0.55, rel=0.2)


def test_figures_fall_with_the_node_and_rise_with_the_size():
    nodes = sorted(range(7, 66), reverse=True)
    for figure in (model.mac_pj, model.core_mm2, lambda n: model.sram_pj_per_byte(n, MIB),
                   lambda n: model.sram_mm2(n, MIB), lambda n: model.area_factor(n, 28)):  # fmt: skip
        values = [figure(node) for node in nodes]
        assert all(a >= b > 0 for a, b in pairwise(values))
    sizes = [model.sram_pj_per_byte(28, 2**k) for k in range(8, 30)]
    assert sizes == sorted(sizes)


def test_every_figure_has_a_range_around_it():
    figures = [value for value in vars(tables).values() if isinstance(value, Figure)]
    figures += [*tables.SRAM_PJ_PER_64_BITS.values(), *tables.DRAM_IO_PJ_PER_BIT.values()]
    assert len(figures) > 12
    assert all(figure.low <= 1 <= figure.high for figure in figures)


# the books of a run


def test_layers_and_what_nobody_causes_add_up_to_the_total(result):
    energy, table = result.summary["energy"], result.energy
    joules = [d + leak for d, leak in zip(table["dynamic_j"], table["leakage_j"])]
    assert math.fsum(joules) == pytest.approx(energy["total_j"], rel=1e-12)
    assert energy["low_j"] < energy["total_j"] < energy["high_j"]
    assert energy["total_j"] == pytest.approx(energy["dynamic_j"] + energy["leakage_j"])
    for unit, figures in energy["by_unit"].items():
        rows = [i for i, name in enumerate(table["unit"]) if name == unit]
        for kind in ("dynamic_j", "leakage_j"):
            assert math.fsum(table[kind][i] for i in rows) == pytest.approx(
                figures[kind], rel=1e-12, abs=1e-18
            )
    for job, figures in energy["by_job"].items():
        rows = [joules[i] for i, name in enumerate(table["job"]) if name == job]
        assert math.fsum(rows) == pytest.approx(figures["total_j"], rel=1e-12)
        assert math.fsum(figures["frames_j"]) == pytest.approx(figures["total_j"], rel=1e-12)
    assert {"nvdla0.macs", "nvdla0.buffer", "array0.macs", "core0", "llc", "dram", "dram.io"} <= set(
        energy["by_unit"]
    )


def test_the_summary_holds_plain_numbers(result):
    def leaves(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return [value] if inner is None else [leaf for each in inner for leaf in leaves(each)]

    assert {type(leaf) for leaf in leaves(result.summary["energy"])} <= {int, float}


def test_macs_cost_what_the_table_says(result):
    table = result.energy
    rows = [i for i, unit in enumerate(table["unit"]) if unit == "nvdla0.macs"]
    (row,) = rows
    macs = 2 * 16 * 16 * 9 * 8 * 8  # of two frames
    assert table["layer"][row] == "conv_0"
    assert table["dynamic_j"][row] == pytest.approx(macs * model.mac_pj(28) * 1e-12)


def test_a_corunner_pays_for_itself(result):
    table = result.energy
    whose = {(job, layer) for job, layer in zip(table["job"], table["layer"]) if not job}
    assert ("", "core1") in whose
    of_dram = {
        layer: d
        for layer, unit, d in zip(table["layer"], table["unit"], table["dynamic_j"])
        if unit == "dram"
    }
    assert of_dram["core1"] > 0.5 * sum(of_dram.values())  # it writes all the time


def test_a_larger_llc_has_more_area_and_leakage_and_a_smaller_node_less():
    base = load(CONFIG)
    small, large, newer = (
        simulator.run(config).summary["energy"]
        for config in (
            base, base.with_({"system.llc.size": "32 KiB"}), base.with_({"system.energy.node": "16 nm"})
        )
    )  # fmt: skip
    assert large["area_mm2"]["llc"] == pytest.approx(2 * small["area_mm2"]["llc"])
    watts = [e["by_unit"]["llc"]["leakage_j"] / (e["total_j"] / e["average_w"]) for e in (small, large)]
    assert watts[1] == pytest.approx(2 * watts[0])
    assert newer["area_mm2"]["total"] < small["area_mm2"]["total"]
    assert newer["by_unit"]["nvdla0.macs"]["dynamic_j"] < small["by_unit"]["nvdla0.macs"]["dynamic_j"]


def test_without_a_node_nothing_is_told():
    system = {key: value for key, value in CONFIG["system"].items() if key != "energy"}
    result = simulator.run({**CONFIG, "system": system})
    assert "energy" not in result.summary
    assert result.energy == {}


def test_every_number_of_the_tables_names_its_source():
    text = Path(tables.__file__).read_text()
    named = set(re.findall(r"\[[A-Z]\]", ast.get_docstring(ast.parse(text))))
    lines = text.splitlines()
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign):
            where = lines[statement.lineno - 1 : statement.end_lineno]
            whole = " ".join(where)
            told = re.findall(r"\[[A-Z]\]", whole)
            assert told, whole
            assert set(told) <= named, whole
