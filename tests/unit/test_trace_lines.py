"""One reader of trace files: every block's lines, and one clear line for each mistake."""

import gzip

import pytest

from hw_models.errors import ConfigError
from simulator.trace.lines import MEMORY, Format, memory_request, read_lines

TIMES = Format("TIME", "7", lambda words: (int(words[0]),), "time", " ns", 100)


def anything(words, row):
    pass


def read(tmp_path, text, form=MEMORY, check=anything, name="t.trc"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return read_lines(path, form, check)


@pytest.mark.parametrize("name", ["t.trc", "t.trc.gz"])
def test_remarks_and_blank_lines_are_skipped(tmp_path, name):
    rows = read(tmp_path, "# a remark\n0x10 READ 0\n\n  16 WRITE 5 \r\n0XfF READ 5\n", name=name)
    assert rows.tolist() == [[0, 16, 0], [5, 16, 1], [5, 255, 0]]


def test_a_leading_zero_is_decimal():
    assert memory_request(["010", "READ", "08"]) == (8, 10, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", ":1: 'x' is not a request; write TIME, such as 7"),
        ("3\n-1", ":2: '-1' is not a request; write TIME, such as 7"),
        ("3\n2", ":2: time 2 ns comes after time 3 ns; write times in order"),
        ("# one\n\n101", ":3: time 101 ns is too late; write times up to 100 ns"),
        ("8", ":1: eight"),
        ("# nothing", ": no requests; write lines such as: 7"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, text, message):
    def check(words, row):
        if row == (8,):
            raise ValueError("eight")

    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, TIMES, check)
    assert str(caught.value) == f"{tmp_path}/t.trc{message}"


@pytest.mark.parametrize(
    "data", [gzip.compress(b"1\n" * 999)[:20], b"plain", b"\x1f\x8b\x08rubbish---------"]
)
def test_a_broken_archive_is_refused(tmp_path, data):
    (tmp_path / "t.gz").write_bytes(data)
    with pytest.raises(ConfigError, match=r"t\.gz: not a readable trace \(.*\); write lines such as: 7"):
        read_lines(tmp_path / "t.gz", TIMES, anything)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "t.trc").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a readable trace"):
        read_lines(tmp_path / "t.trc", TIMES, anything)
