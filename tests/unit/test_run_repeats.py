"""A whole run, from a config's text to the files: the same bytes again, whatever the order of its keys."""

import json

import pytest

import simulator
from simulator.config.model import load, resolved
from simulator.report.write import write_run

CONFIG = {
    "name": "two layers beside a co-runner",
    "system": {
        "accelerators": {"nvdla0": {"preset": "nv_small", "clock": "500 MHz"}},
        "cores": {"core0": {"clock": "1 GHz"}, "core1": {"clock": "1 GHz"}},
        "interconnect": {"clock": "500 MHz", "width": "8 B", "latency": "8 cycles"},
        "llc": {
            "clock": "500 MHz",
            "size": "64 KiB",
            "ways": 4,
            "line": "64 B",
            "mshrs": 4,
            "replacement": "random",
        },
        "dram": {"standard": "DDR3-1600"},
    },
    "workloads": {
        "net": {
            "on": "nvdla0",
            "fallback": "core0",
            "layers": [
                {"conv": {"input": [16, 16, 8], "kernels": 8, "kernel": "3x3", "padding": 1}},
                {"pool": {"kernel": 2}},
            ],
        }
    },
    "corunners": [{"on": "core1", "kind": "bandwidth_write", "footprint": "256 KiB"}],
    "simulation": {"seed": 3},
}


def reversed_keys(value):
    if isinstance(value, dict):
        return {key: reversed_keys(item) for key, item in reversed(value.items())}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


def files_of(result, folder) -> dict[str, bytes]:
    write_run(result, folder, plots=False)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    summary = json.loads(files["summary.json"])
    for wall in ("wall_s", "requests_per_wall_s"):
        assert summary["simulation"].pop(wall) > 0
    return files | {"summary.json": json.dumps(summary).encode()}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return files_of(simulator.run(CONFIG), tmp_path_factory.mktemp("first") / "run")


def test_the_same_run_gives_the_same_bytes(first, tmp_path):
    assert files_of(simulator.run(CONFIG), tmp_path / "run") == first


def test_the_order_of_keys_changes_no_byte(first, tmp_path):
    assert files_of(simulator.run(reversed_keys(CONFIG)), tmp_path / "run") == first


def test_the_resolved_config_repeats_the_run(first, tmp_path):
    assert files_of(simulator.run(resolved(load(CONFIG))), tmp_path / "run") == first


def test_the_summary_has_the_paths_of_the_interface(first):
    summary = json.loads(first["summary.json"])
    assert {
        "schema_version",
        "name",
        "simulation",
        "workloads",
        "masters",
        "llc",
        "dram",
        "interference",
    } <= set(summary)
    assert {
        "latency_s",
        "frames_per_s",
        "phases",
        "macs",
        "mac_utilization",
        "read_bytes",
        "write_bytes",
    } <= set(summary["workloads"]["net"])
    for master in summary["masters"].values():
        assert {"reads", "writes", "read_bytes", "write_bytes", "bandwidth_bytes_per_s"} <= set(master)
        assert set(master["read_latency_s"]) == {"mean", "p50", "p95", "p99", "max"}
    assert {"hits", "misses", "hit_rate", "writebacks"} <= set(summary["llc"])
    for channel in summary["dram"].values():
        assert {
            "reads", "writes", "activates", "precharges", "refreshes", "row_hits", "row_misses", "row_conflicts",
            "bandwidth_bytes_per_s", "utilization", "energy_j",
        } <= set(channel)  # fmt: skip
    assert summary["interference"]["nvdla0"]["core1"]["delay_s"] > 0


def test_ops_csv_has_the_columns_of_the_interface(first):
    header = first["ops.csv"].decode().splitlines()[0].split(",")
    wanted = ["unit", "op", "layer", "kind", "start_s", "end_s", "cycles", "macs", "mac_utilization"]
    assert [name for name in header if name in wanted] == wanted
    assert {"read_bytes", "write_bytes"} < set(header)
    assert any(name.startswith("stall_") and name.endswith("_cycles") for name in header)
