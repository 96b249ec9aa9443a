"""`dlasim trace flash`: output files, and one clear line for each mistake in a trace."""

import csv
import gzip
import json
from pathlib import Path

import pytest

from hw_models.errors import ConfigError
from simulator.trace.flash import trace

CONFIG = """\
system:
  flash: {preset: mqsim_default, mapping: resident, blocks: 64}
"""
DECIMAL = " (addresses: decimal, hexadecimal only with 0x)"
CAPACITY = 8 * 4 * 2 * 2 * 64 * 256 * 93 // 100 * 16


@pytest.fixture
def run(tmp_path):
    config = tmp_path / "ssd.yaml"
    config.write_text(CONFIG)

    def go(text, name="t.trace"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        summary = trace(config, path, out)
        with (out / "requests.csv").open() as file:
            return list(csv.DictReader(file)), summary, json.loads((out / "summary.json").read_text())

    return go


@pytest.mark.parametrize("name", ["t.trace", "t.trace.gz"])
def test_every_request_gets_its_times_in_ns(run, name):
    rows, summary, written = run("0 0 0 8 1\n1000000 0 16 16 1\n1000000 0 32 16 0\n", name)
    assert [list(row) for row in rows] == [["id", "arrival_ns", "accept_ns", "done_ns"]] * 3
    assert rows[0] == {"id": "0", "arrival_ns": "0", "accept_ns": "0", "done_ns": "88875.5"} or float(
        rows[0]["done_ns"]
    ) == pytest.approx(88_900, abs=100)
    assert float(rows[1]["done_ns"]) - 1_000_000 == pytest.approx(102_400, abs=100)
    assert float(rows[2]["done_ns"]) - 1_000_000 > 750_000
    assert summary == written
    assert (summary["reads"], summary["writes"]) == (2, 1)
    assert summary["flash"]["violations"] == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "5 0 0 8",
            "'5 0 0 8' is not a request; write ARRIVAL_NS DEVICE LBA SECTORS TYPE (0 write, 1 read), such as 0 0 1024 16 1"
            + DECIMAL,
        ),
        (
            "5 0 0 8 2",
            "'5 0 0 8 2' is not a request; write ARRIVAL_NS DEVICE LBA SECTORS TYPE (0 write, 1 read), such as 0 0 1024 16 1"
            + DECIMAL,
        ),
        (
            "5 0 x 8 1",
            "'5 0 x 8 1' is not a request; write ARRIVAL_NS DEVICE LBA SECTORS TYPE (0 write, 1 read), such as 0 0 1024 16 1"
            + DECIMAL,
        ),
        ("3 0 0 8 1", "time 3 ns comes after time 4 ns; write times in order"),
        ("5 0 0 0 1", "0 sectors in one request; write 1 to 65264"),
        (
            f"5 0 {CAPACITY} 8 1",
            f"sectors {CAPACITY} to {CAPACITY + 7} lie outside the device of {CAPACITY} sectors; "
            f"write LBAs below {CAPACITY}",
        ),
    ],
)
def test_a_bad_line_is_named(run, tmp_path, line, message):
    with pytest.raises(ConfigError) as error:
        run(f"4 0 0 8 1\n{line}\n")
    assert str(error.value) == f"{tmp_path}/t.trace:2: {message}"


def test_a_request_that_is_no_whole_sectors_is_refused(run):
    with pytest.raises(ConfigError, match=r":1: 600 B at 512 B are not whole sectors of 512 B; align them"):
        run("7,R,512,600,10\n", "a.csv")


def test_the_summary_says_what_was_read_and_what_was_left_out(run):
    text = "fio version 2 iolog\nf add\nf open\nf write 0 4096\nf wait 100\nf trim 0 4096\nf read 0 4096\n"
    rows, summary, _ = run(text, "a.iolog")
    assert [row["arrival_ns"] for row in rows] == ["0", "100000"]
    assert summary["trace_format"] == {
        "name": "fio",
        "addresses": "decimal, hexadecimal only with 0x",
        "volumes": 1,
        "left_out": {"discards": 1},
    }


def test_an_empty_trace_and_a_broken_archive_are_refused(run, tmp_path):
    with pytest.raises(ConfigError) as error:
        run("# nothing\n\n")
    assert str(error.value) == f"{tmp_path}/t.trace: no requests; write lines such as: 0 0 1024 16 1"
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"0 0 0 8 1\n")[:-6])
    with pytest.raises(ConfigError) as error:
        trace(tmp_path / "ssd.yaml", tmp_path / "x.gz", tmp_path)
    assert "not a readable trace" in str(error.value)


def test_a_config_without_flash_is_refused(tmp_path):
    config = Path(tmp_path / "none.yaml")
    config.write_text("system: {}\n")
    with pytest.raises(ConfigError) as error:
        trace(config, tmp_path / "t.trace", tmp_path)
    assert "system.flash: absent; write flash: {preset: mqsim_default}" in str(error.value)
