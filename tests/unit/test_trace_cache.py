"""`dlasim trace cache`: files in, files out, mistakes told."""

import csv
import gzip
import json

import pytest

from hw_models.errors import ConfigError
from simulator.trace.cache import trace

CONFIG = """
name: cache alone
system:
  cores: {core0: {clock: 1 GHz}}
  interconnect: {width: 16 B}
  memory: {latency: 50 cycles}
  llc: {size: 32 KiB, ways: 4, line: 64 B, replacement: lru, hit_latency: 4 cycles, bypass: {core0: [0]}}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "cache.yaml"
    path.write_text(CONFIG)
    return path


def test_it_writes_a_completion_a_request_and_a_summary(config, tmp_path):
    lines = "0x1000 READ 0\n1000 WRITE 100\n\n0x1040 READ 120\n"
    with gzip.open(tmp_path / "t.trc.gz", "wt") as file:
        file.write(lines)
    summary = trace(config, tmp_path / "t.trc.gz", tmp_path, latency="50 cycles")
    rows = list(csv.reader((tmp_path / "requests.csv").read_text().splitlines()))
    assert rows == [
        ["id", "arrival_cycle", "accept_cycle", "done_cycle"],
        ["0", "0", "0", "53"],  # 2 to memory, 50 there, 1 to fill
        ["1", "100", "100", "107"],  # 4, and the last of four beats
        ["2", "120", "120", "173"],
    ]
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    assert (summary["hits"], summary["misses"], summary["cycles"]) == (1, 2, 173)


def test_half_lines_are_asked_for_with_bytes(config, tmp_path):
    path = tmp_path / "t.trc"
    path.write_text("0 WRITE 0\n20 WRITE 1\n")
    summary = trace(config, path, tmp_path, bytes="32 B")
    assert (summary["hits"], summary["misses"], summary["merges"]) == (0, 1, 1)


def test_every_access_is_a_hit_a_miss_or_a_merge(config, tmp_path):
    path = tmp_path / "t.trc"
    path.write_text(
        "".join(f"{64 * (k * k % 37):x} {'READ' if k % 3 else 'WRITE'} {2 * k}\n" for k in range(500))
    )
    summary = trace(config, path, tmp_path)
    assert summary["merges"] > 0
    assert summary["hits"] + summary["misses"] + summary["merges"] == summary["requests"] == 500
    assert summary["hit_rate"] == summary["hits"] / 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "0x1000 LOAD 0",
            "'0x1000 LOAD 0' is not a request; write ADDRESS READ|WRITE CYCLE, such as 0x1000 READ 0 (addresses: hexadecimal, with or without 0x)",
        ),
        (
            "0x1000 READ",
            "'0x1000 READ' is not a request; write ADDRESS READ|WRITE CYCLE, such as 0x1000 READ 0 (addresses: hexadecimal, with or without 0x)",
        ),
        ("32 READ 0", "64 B at 0x32 cross a line of 64 B; align them or give --bytes"),
        ("0 READ 9\n0 READ 8", "cycle 8 comes after cycle 9; write cycles in order"),
    ],
)
def test_a_bad_line_is_told_with_its_number(config, tmp_path, text, message):
    path = tmp_path / "t.trc"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        trace(config, path, tmp_path)
    assert str(error.value) == f"{path}:{text.count(chr(10)) + 1}: {message}"


def test_other_mistakes(config, tmp_path):
    empty = tmp_path / "empty.trc"
    empty.write_text("")
    with pytest.raises(ConfigError, match="no requests; write lines such as: 0x1000 READ 0"):
        trace(config, empty, tmp_path)
    empty.write_text("0 READ 0\n")
    with pytest.raises(
        ConfigError, match="--latency: '50' is not a number of cycles; write a number and one of"
    ):
        trace(config, empty, tmp_path, latency="50")
    bare = tmp_path / "bare.yaml"
    bare.write_text("name: none\nsystem: {memory: {latency: 50 cycles}}\n")
    with pytest.raises(ConfigError, match=r"system\.llc: absent; write llc:"):
        trace(bare, empty, tmp_path)
