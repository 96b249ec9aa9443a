"""Memory layers: rows of a table, wherever it lies; each that a step needs is read once."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_helpers import FLASH, SYSTEM, TINY

import simulator
from hw_models.errors import ConfigError
from simulator.config.model import Config, load
from simulator.config.shipped import CONFIGS
from simulator.soc.build import build_machine
from workloads.llm.plan import make_plan
from workloads.llm.table import Lookups, Table

TABLE = {"rows": 10_000, "heads": 2, "picks": 8, "layers": [0, 2], "key_width": 16}
ROW = 256 * 2  # bytes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny")
    (path / "config.json").write_text(json.dumps(TINY))
    return str(path)


def run(folder, system=SYSTEM, **table):
    chat = {"model": folder, "on": "cpu0", "prompt": 4, "tokens": 3, "table": TABLE | table}
    return simulator.run({"system": system, "workloads": {"chat": chat}})


@given(st.integers(1, 5000), st.integers(1, 20), st.sampled_from([0.0, 0.5, 0.9]), st.integers(1, 30))
def test_rows_are_there_each_once_and_a_few_do_most_of_the_work_if_skewed(rows, picks, skew, tokens):
    table = Table.model_validate({"rows": rows, "picks": picks, "skew": skew})
    found = Lookups(table, 1).rows(tokens)
    assert 0 < found.size <= min(rows, picks * tokens)
    assert found.tolist() == sorted(set(found.tolist()))
    assert 0 <= found[0] <= found[-1] < rows


def test_popularity_is_a_power_law():
    table = Table.model_validate({"rows": 1000, "picks": 100_000, "skew": 0.5})
    lookups = Lookups(table, 1)
    drawn = (1000 * lookups.random.random(200_000) ** 2).astype(int)
    assert (drawn < 250).mean() == pytest.approx(0.5, abs=0.01)  # the first quarter has the root of it


def test_table_on_flash_reads_every_row_that_a_step_needs_once(folder):
    result = run(folder, home="flash")
    reads = [
        (layer, n // ROW)
        for n, kind, layer, token in zip(
            result.ops["read_bytes"],
            result.ops["kind"],
            result.ops["layer"],
            result.ops["token"],
            strict=True,
        )
        if kind == "read_table" and token >= 0
    ]
    assert [layer for layer, _ in reads] == ["layer_0", "layer_2"] * 3
    assert all(12 <= rows <= 16 for _, rows in reads)
    assert result.summary["flash"]["read_bytes"] % ROW == 0


def test_table_in_memory_counts_and_is_read_there(folder):
    plain = simulator.run(
        {
            "system": {"backends": SYSTEM["backends"]},
            "workloads": {"chat": {"model": folder, "on": "cpu0", "prompt": 4, "tokens": 3}},
        }
    )
    found = run(folder, {"backends": SYSTEM["backends"]})
    rows = [n for n, kind in zip(found.ops["read_bytes"], found.ops["kind"], strict=True) if kind == "table"]
    more = [result.summary["workloads"]["chat"]["read_bytes"] for result in (found, plain)]
    assert more[0] - more[1] == sum(rows)
    keys = 2 * 100 * 16 * 2  # heads, root of the rows, key and partner, bytes
    assert all((n - keys) % ROW == 0 and 12 <= (n - keys) // ROW <= 16 for n in rows[2:])
    small = {"backends": {"cpu0": {"preset": "m1_max_cpu", "capacity": "10 MB"}}}
    with pytest.raises(ConfigError, match=r"keeps 0\.01 GB of weights .* cpu0 has 0\.01 GB"):
        run(folder, small)


def test_table_of_the_host_comes_over_the_link(folder):
    backend = {"preset": "m1_max_cpu", "host": "1 GB", "link": "1 GB/s"}
    told = run(folder, {"backends": {"cpu0": backend}}, home="host").summary["workloads"]["chat"]
    assert told["per_token"]["io_s"] == pytest.approx(told["host"]["read_bytes_per_token"] / 1e9)
    assert 2 * 12 * ROW <= told["host"]["read_bytes_per_token"] <= 2 * 16 * ROW


def test_rows_of_a_table_in_shared_memory_are_gathered_where_they_lie(folder):
    shared = {
        "backends": SYSTEM["backends"],
        "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"},
        "dram": {"standard": "LPDDR4-3200", "channels": 1},
    }
    large = {"rows": 2**18, "heads": 4, "picks": 64, "key_width": 0}
    chat = {"model": folder, "on": "cpu0", "prompt": 1, "tokens": 1, "table": TABLE | large}
    config = Config.model_validate({"system": shared, "workloads": {"chat": chat}})
    machine = build_machine(config)
    gathers = machine.tasks[machine.tasks["runs"] > 3]  # a prompt's weights lie in three places
    assert gathers["runs"].tolist() == (gathers["read_bytes"] // ROW).tolist()
    first = int(np.flatnonzero(machine.tasks["runs"] > 3)[0])
    runs = machine.tasks[first + 1 : first + 1 + machine.tasks[first]["runs"]]
    rows = runs["read_address"] - machine.tasks[first]["read_address"]
    assert (rows % ROW == 0).all()
    assert 0 <= rows.min() < 2**13 * ROW < rows.max() < 2**18 * ROW  # all over the table
    far, near = (run(folder, shared, **large | {"rows": rows}) for rows in (2**18, 1024))
    bytes_read = [each.summary["workloads"]["chat"]["read_bytes"] for each in (far, near)]
    opened = [each.summary["dram"]["0"]["activates"] for each in (far, near)]
    assert opened[0] > opened[1]  # rows of DRAM
    assert bytes_read[0] >= bytes_read[1]


def test_same_steps_move_the_same_bytes_in_the_systems_memory(folder):
    shared = {
        "backends": SYSTEM["backends"],
        "flash": FLASH,
        "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "10 cycles"},
        "dram": {"standard": "LPDDR4-3200", "channels": 2},
    }
    alone, beside = (run(folder, system, home="flash") for system in (SYSTEM, shared))
    for column in ("kind", "layer", "read_bytes", "write_bytes"):
        assert alone.ops[column] == beside.ops[column]


@pytest.mark.parametrize(
    ("system", "table", "told"),
    [
        (SYSTEM, {"layers": 3}, "workloads.chat: table.layers: number 3 of 3; write numbers from 0 to 2"),
        (
            {"backends": SYSTEM["backends"]},
            {"home": "flash"},
            "workloads.chat.table.home: flash, and there is none",
        ),
        (SYSTEM, {"home": "host"}, "workloads.chat.table.home: host, and cpu0 has none"),
        (SYSTEM, {"home": "flash", "rows": 10**10}, "system.flash: tiny"),
    ],
)
def test_table_that_cannot_be_is_told_in_one_line(folder, system, table, told):
    with pytest.raises(ConfigError) as error:
        run(folder, system, **table)
    assert str(error.value).startswith(told)


def test_memory_layers_at_scale_have_128_gi_parameters():
    (job,) = load(CONFIGS / "llm" / "memory_layers.yaml").workloads.values()
    plan = make_plan(job)
    assert plan.table_bytes == 2 * 128 * 2**30
    assert np.prod([job.table.heads, job.table.picks]) == 128


@pytest.mark.parametrize(("width", "least", "most"), [(2048, 0.9, 1.0), (128, 0.4, 0.8)])
def test_rows_of_4_kib_reach_nine_tenths_of_what_memory_can(tmp_path, width, least, most):
    """Memory layers at scale (arXiv 2412.09764): 3 of 3.35 TB/s. A row of 256 B opens one of DRAM for little."""
    shape = {"hidden_size": 2048, "intermediate_size": 16, "num_hidden_layers": 1, "vocab_size": 8}
    (tmp_path / "config.json").write_text(json.dumps(TINY | shape))
    system = {
        "backends": {"gpu0": {"memory_bandwidth": "400 GB/s", "peak": {"fp16": "100 TFLOPS"}}},
        "interconnect": {"clock": "2 GHz", "width": "64 B", "latency": "5 cycles"},
        "dram": {"standard": "DDR4-3200", "channels": 1},
    }
    table = {"rows": 2**18, "picks": 64, "key_width": 0, "width": width, "layers": [0]}
    chat = {"model": str(tmp_path), "on": "gpu0", "prompt": 1, "tokens": 1, "batch": 16, "table": table}
    ops = simulator.run({"system": system, "workloads": {"chat": chat}}).ops
    last = [row for row, kind in enumerate(ops["kind"]) if kind == "table"][-1]
    rate = ops["read_bytes"][last] / (ops["end_s"][last] - ops["start_s"][last])
    assert least <= rate / 25.6e9 <= most
