"""`dlasim trace dram`: what it writes, and what it says of bad traces and configs."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from hw_models.dram.rules import complete
from hw_models.errors import ConfigError
from simulator.trace import dram_check
from simulator.trace.command import run_trace
from simulator.trace.dram import trace
from simulator.validate.dram import figures

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "dram"
DDR4 = CONFIGS / "ddr4_2400_ramulator2_norefresh.yaml"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_it_writes_a_completion_for_every_request(tmp_path):
    file = tmp_path / "t.trace"
    file.write_text("0x0 READ 0\n0x40 READ 0\n# a remark\n40 WRITE 10\n")
    summary = trace(DDR4, file, tmp_path)
    assert (tmp_path / "requests.csv").read_text() == (
        "id,arrival_cycle,accept_cycle,done_cycle\n0,0,1,38\n1,0,2,44\n2,10,11,35\n"
    )
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert summary["cycles"] == 44
    assert summary["dram"]["0"]["activates"] == 1
    assert summary["dram"]["0"]["row_hits"] == 2
    assert not (tmp_path / "commands.csv").exists()


def test_a_compressed_trace_and_the_command_log(tmp_path):
    file = tmp_path / "t.gz"
    file.write_bytes(gzip.compress(b"0x0 READ 0\n0x20000 READ 0\n"))
    trace(DDR4, file, tmp_path, commands=True)
    assert [(r["cycle"], r["cmd"], r["bank"], r["row"]) for r in rows(tmp_path / "commands.csv")] == [
        ("2", "ACT", "0", "0"),
        ("18", "RD", "0", "0"),
        ("41", "PRE", "0", "-1"),
        ("57", "ACT", "0", "1"),
        ("73", "RD", "0", "1"),
    ]


def test_the_commands_are_held_against_the_rules(tmp_path):
    file = tmp_path / "t.trace"
    file.write_text("0x0 READ 0\n0x20000 READ 0\n0x40 WRITE 100\n")
    summary = trace(DDR4, file, tmp_path, check=True)
    assert summary["protocol"] == {"commands": 8, "violations": 0, "first": []}
    by_rule = {(r["scope"], r["earlier"], r["later"]): r for r in rows(tmp_path / "rules.csv")}
    ras, tried = by_rule["bank", "ACT", "PRE"], by_rule["rank", "REF", "ACT/REF"]
    assert (ras["rule"], ras["least_clocks"], ras["closest_clocks"], ras["pairs"]) == (
        "tRAS",
        "39",
        "39",
        "2",
    )
    assert (tried["closest_clocks"], tried["pairs"]) == ("", "0")
    assert not (tmp_path / "commands.csv").exists()


def test_a_command_that_breaks_a_rule_ends_the_check_with_exit_code_1(tmp_path, monkeypatch, capsys):
    file = tmp_path / "t.trace"
    file.write_text("0x0 READ 0\n0x20000 READ 0\n")
    monkeypatch.setattr(dram_check, "complete", lambda t, beats: {**complete(t, beats), "tRAS": 40})
    with pytest.raises(SystemExit) as caught:
        run_trace("dram", DDR4, file, tmp_path / "out", {"check": True})
    assert caught.value.code == 1
    assert "protocol.violations = 1" in capsys.readouterr().out
    assert (tmp_path / "out" / "rules.csv").exists()


def peak(standard: str, lines: str, tmp_path: Path, **keys) -> dict:
    config = tmp_path / "memory.yaml"
    config.write_text(f"system:\n  dram: {json.dumps({'standard': standard} | keys)}\n")
    file = tmp_path / "t.trace"
    file.write_text(lines)
    return trace(config, file, tmp_path)


def test_addresses_without_0x_are_hexadecimal_as_dramsim3_reads_them(tmp_path):
    plain = peak("DDR4-2400", "00001000 READ 0\n00020000 READ 10\n", tmp_path)
    prefixed = peak("DDR4-2400", "0x1000 READ 0\n0x20000 READ 10\n", tmp_path)
    assert plain["trace_format"]["addresses"] == "hexadecimal, with or without 0x"
    assert plain["cycles"] == prefixed["cycles"]
    assert plain["dram"] == prefixed["dram"]


def test_bandwidth_is_of_the_data_that_moved_until_they_had(tmp_path):
    summary = peak("DDR4-2400", "".join(f"{64 * k:#x} WRITE 0\n" for k in range(32)), tmp_path)
    assert summary["cycles"] == 32  # all are queued by then, few are written
    assert summary["moved_bytes"] == 32 * 64
    assert summary["moved_cycles"] > 32 * 4
    assert summary["dram"]["0"]["utilization"] == 32 * 4 / summary["moved_cycles"]
    assert summary["bandwidth_bytes_per_s"] == summary["dram"]["0"]["bandwidth_bytes_per_s"]
    assert summary["bandwidth_bytes_per_s"] < 19.2e9


def test_what_is_answered_from_the_queue_has_not_moved(tmp_path):
    lines = "0x0 WRITE 0\n0x100000 WRITE 0\n0x200000 WRITE 0\n0x200000 WRITE 0\n0x200000 READ 0\n"
    summary = peak("DDR4-2400", lines, tmp_path)
    channel = summary["dram"]["0"]
    assert (channel["merged_writes"], channel["forwarded_reads"]) == (1, 1)
    assert summary["moved_bytes"] == 3 * 64


SEQUENTIAL = [  # share of the peak that a sequential stream reaches by default, and row after row
    ("DDR4-3200", 64, 25.6e9, 0.95, 0.62),
    ("HBM2-2000", 32, 32e9, 0.8, 0.47),
    ("GDDR6-16000", 32, 32e9, 0.9, 0.8),
    ("DDR3-1600", 64, 12.8e9, 0.95, 0.97),
]


@pytest.mark.parametrize(("standard", "burst", "most", "usual", "linear"), SEQUENTIAL)
@pytest.mark.parametrize("kind", ["READ", "WRITE"])
def test_a_sequential_stream_is_in_all_bank_groups_and_pseudo_channels(
    tmp_path, standard, burst, most, usual, linear, kind
):
    lines = "".join(f"{burst * k:#x} {kind} 0\n" for k in range(8000))
    assert peak(standard, lines, tmp_path)["bandwidth_bytes_per_s"] > usual * most
    assert peak(standard, lines, tmp_path, mapping="linear")["bandwidth_bytes_per_s"] < linear * most


def test_every_channel_takes_a_request_a_clock(tmp_path):
    lines = "".join(f"{32 * k:#x} READ 0\n" for k in range(16000))
    summary = peak("HBM2-2000", lines, tmp_path, channels=8)
    assert summary["bandwidth_bytes_per_s"] > 0.75 * 256e9
    assert all(channel["utilization"] <= 1 for channel in summary["dram"].values())


def test_channels_do_not_wait_for_each_other(tmp_path):
    """The times of a channel's requests are those that it has alone."""
    lines = [f"{32 * (17 * k % 4096):#x} {'WRITE' if k % 3 else 'READ'} {k // 2}" for k in range(400)]
    peak("HBM2-2000", "\n".join(lines), tmp_path, channels=2)
    both = rows(tmp_path / "requests.csv")
    of = [int(line.split()[0], 16) >> 8 & 1 for line in lines]
    for channel in (0, 1):
        own = [line for line, c in zip(lines, of) if c == channel]
        peak("HBM2-2000", "\n".join(own), tmp_path, channels=2)
        alone = rows(tmp_path / "requests.csv")
        times = [(r["accept_cycle"], r["done_cycle"]) for r, c in zip(both, of) if c == channel]
        assert [(r["accept_cycle"], r["done_cycle"]) for r in alone] == times


def test_a_request_of_more_than_a_burst_is_refused(tmp_path):
    file = tmp_path / "t.stl"
    file.write_text("0: (64) read 0x0\n1: (128) read 0x40\n")
    with pytest.raises(
        ConfigError, match=r"t\.stl:2: 128 B at 0x40 are more than a burst of 64 B; write one each"
    ):
        trace(DDR4, file, tmp_path)


def test_channels_share_the_addresses(tmp_path):
    config = tmp_path / "two.yaml"
    config.write_text("system:\n  dram: {standard: HBM2-2000, channels: 2, interleave: 128 B}\n")
    file = tmp_path / "t.trace"
    file.write_text("".join(f"{32 * k:#x} READ 0\n" for k in range(64)))
    summary = trace(config, file, tmp_path, commands=True)
    assert [summary["dram"][k]["reads"] for k in "01"] == [32, 32]
    assert {r["channel"] for r in rows(tmp_path / "commands.csv")} == {"0", "1"}


SHAPE = "write ADDRESS READ|WRITE CYCLE, such as 0x1000 READ 0 (addresses: hexadecimal, with or without 0x)"
BAD_TRACES = {
    "0x0 READ 5\n0x40 READ 4\n": ":2: cycle 4 comes after cycle 5; write cycles in order",
    "0x0 READ 0\n0x40 FETCH 1\n": ":2: '0x40 FETCH 1' is not a request; " + SHAPE,
    "0x0 READ\n": ":1: '0x0 READ' is not a request; " + SHAPE,
    "x READ 0\n": ":1: 'x READ 0' is not a request; " + SHAPE,
    "0x200000000 READ 0\n": ":1: address 0x200000000 lies outside the memory of 8589934592 B; "
    "write 0x0 to 0x1ffffffff",
    "-64 READ 0\n": ":1: '-64 READ 0' is not a request; " + SHAPE,
    "200000000 READ 0\n": ":1: address 0x200000000 lies outside the memory of 8589934592 B; "
    "write 0x0 to 0x1ffffffff",
    "\n": ": no requests; write lines such as: 0x1000 READ 0",
}


@pytest.mark.parametrize("text", BAD_TRACES)
def test_a_bad_trace_is_refused_with_its_line(tmp_path, text):
    file = tmp_path / "bad.trace"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        trace(DDR4, file, tmp_path)
    assert str(caught.value) == f"{file}{BAD_TRACES[text]}"


def test_a_truncated_archive_is_refused(tmp_path):
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress(b"0x0 READ 0\n" * 1000)[:30])
    with pytest.raises(ConfigError) as caught:
        trace(DDR4, file, tmp_path)
    assert str(caught.value) == (
        f"{file}: not a readable trace (Compressed file ended before the end-of-stream marker was reached); "
        "write lines such as: 0x1000 READ 0"
    )


def test_a_config_without_dram_is_refused(tmp_path):
    config = tmp_path / "none.yaml"
    config.write_text("system: {memory: {latency: 50 cycles, bandwidth: 8 B/cycle}}\n")
    file = tmp_path / "t.trace"
    file.write_text("0x0 READ 0\n")
    with pytest.raises(ConfigError) as caught:
        trace(config, file, tmp_path)
    assert str(caught.value) == f"{config}: system.dram: absent; write dram: {{standard: DDR4-2400}}"


def test_validation_compares_a_table_of_runs(tmp_path):
    table = tmp_path / "runs.csv"
    table.write_text("sim,config,refresh,trace,n,cycles\nr,r2_ddr4_match,noref,pingpong,20000,131162\n")
    found = list(figures(table))
    assert [(f.quantity, f.reference, f.ours) for f in found] == [("cycles", 131162, 131162)]
    requests = tmp_path / "r2_ddr4_match.noref.pingpong.csv"
    requests.write_text("id,accept,done\n0,1,38\n1,2,265\n2,3,44\n")
    found = list(figures(requests))
    assert next((f.quantity, f.ours) for f in found) == ("equal_entries_percent", 100.0)


def test_validation_refuses_another_table(tmp_path):
    table = tmp_path / "other.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError) as caught:
        list(figures(table))
    assert str(caught.value) == (
        f"{table}: not a table of DRAM runs; write runs.csv, table_*.csv, energy_check.csv or speed.csv"
    )


def test_a_burst_is_served_whole_where_the_trace_is_not_aligned(tmp_path):
    file = tmp_path / "t.trace"
    file.write_text("0x7 READ 0\n")
    trace(DDR4, file, tmp_path)
    done = np.array([int(r["done_cycle"]) for r in rows(tmp_path / "requests.csv")])
    assert done.tolist() == [38]
