"""The shipped configs of other trees than the usual one: each does what it is drawn for."""

from pathlib import Path

import pytest

import simulator
from simulator.config.model import load

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def run(name, *settings):
    return simulator.run(load(CONFIGS / f"{name}.yaml", settings=settings)).summary


def test_an_l2_per_cluster_keeps_its_cores_hits_from_the_llc():
    summary = run("clusters")
    assert summary["caches"]["l2_a"]["masters"]["core1"]["hit_rate"] > 0.95  # its footprint fits
    assert summary["caches"]["l2_b"]["masters"]["core3"]["hit_rate"] < 0.6
    asked = summary["caches"]["l2_a"]["masters"]["core1"]["misses"]
    assert summary["llc"]["masters"]["core1"]["misses"] <= asked
    assert summary["caches"]["l2_a"]["masters"]["nvdla0"]["misses"] == 0
    assert set(summary["interconnect"]["ports"]) == {"0", "1"}  # the LLC has two


def test_accelerators_behind_buses_of_their_own_meet_at_the_system_bus():
    summary = run("two_buses")
    for bus, master in (("wide", "nvdla0"), ("narrow", "nvdla1")):
        for name in ("read_bytes", "write_bytes"):
            assert summary["interconnects"][bus][name] == summary["masters"][master][name]
    both = sum(summary["masters"][name]["read_bytes"] for name in summary["masters"])
    assert summary["interconnect"]["read_bytes"] == both
    assert summary["interference"]["nvdla1"]["nvdla0"]["delay_s"] > 0


def test_cvsram_takes_traffic_off_dram_and_time_off_the_network():
    with_it, without = run("cvsram"), run("cvsram", "workloads.classify.place=null")
    placed = with_it["workloads"]["classify"]["memory"]["placed"]["sram"]
    assert 0.9 * 2**20 < placed["weight_bytes"] + placed["activation_bytes"] <= 2**20
    asked = without["workloads"]["classify"]["traffic_bytes"]
    assert with_it["workloads"]["classify"]["traffic_bytes"] == asked
    sram = with_it["memories"]["sram"]
    assert without["memories"]["sram"]["reads"] == 0
    core = with_it["masters"]["core0"]
    there = sram["read_bytes"] + with_it["interconnect"]["read_bytes"] - core["read_bytes"]
    assert there == with_it["masters"]["nvdla0"]["read_bytes"]
    assert with_it["dram"]["0"]["reads"] < without["dram"]["0"]["reads"]
    took = [s["workloads"]["classify"]["phases"]["accelerator_s"] for s in (with_it, without)]
    assert took[0] < 0.95 * took[1]


def test_weights_stream_from_memory_of_another_standard():
    summary = run("two_memories", "corunners=[]")
    weights = summary["workloads"]["classify"]["traffic_bytes"]["weights"]
    lpddr = summary["memories"]["lpddr"]
    read = (
        sum(channel["reads"] for channel in lpddr.values()) * 32
    )  # bytes of a request of NVDLA, a DRAM burst each
    assert read == pytest.approx(weights, rel=0.02)
    assert lpddr["0"]["reads"] == pytest.approx(lpddr["1"]["reads"], rel=0.05)
    assert summary["dram"]["0"]["reads"] * 64 < 0.1 * weights
