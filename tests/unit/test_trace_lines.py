"""One reader of trace files: formats of every block, and one clear line for each mistake."""

import gzip

import pytest

from hw_models.errors import ConfigError
from simulator.trace.io_formats import IO, NANOSECONDS
from simulator.trace.lines import Clock, Format, integer, read_lines
from simulator.trace.memory_formats import CYCLES, MEMORY

CLOCK = Clock("time", " ns", 100)
TIMES = {"times": Format("TIME", "7", "decimal", lambda: lambda words: (integer(words[0]),))}


def anything(words, row):
    pass


def read(tmp_path, text, formats=MEMORY, clock=CYCLES, check=anything, file="t.trc", **options):
    path = tmp_path / file
    path.write_bytes(gzip.compress(text.encode()) if file.endswith(".gz") else text.encode())
    return read_lines(path, formats, clock, check, **options)


@pytest.mark.parametrize("file", ["t.trc", "t.trc.gz"])
def test_remarks_and_blank_lines_are_skipped(tmp_path, file):
    trace = read(tmp_path, "# a remark\n0x10 READ 0\n\n  16 WRITE 5 \r\n0XfF READ 5\n", file=file)
    assert trace.rows.tolist() == [[0, 16, 0, 0], [5, 22, 1, 0], [5, 255, 0, 0]]


READ_AND_WRITE = [[0, 0x1000, 0, 0], [0, 0x2040, 1, 0]]
MEMORY_FILES = {  # file name, its text, its format and how it reads addresses
    "hex.trc": ("00001000 READ 0\n00002040 WRITE 0\n", "dramsim3", "hexadecimal, with or without 0x"),
    "a.k6": ("0x1000 P_MEM_RD 0\n2040 P_MEM_WR 0\n", "k6", "hexadecimal, with or without 0x"),
    "fetch.trc": ("0x1000 P_FETCH 0\n0x2040 BOFF 0\n", "k6", "hexadecimal, with or without 0x"),
    "one.trace": ("4096 R\n0x2040 W\n", "ramulator1", "decimal, hexadecimal only with 0x"),
    "two.trace.gz": ("LD 0x1000\nST 8256\n", "ramulator2", "decimal, hexadecimal only with 0x"),
    "a.stl": ("0: read 0x1000\n0:\twrite 2040 0xff\n", "stl", "hexadecimal, with or without 0x"),
}


@pytest.mark.parametrize("file", MEMORY_FILES)
def test_memory_traces_of_other_simulators_are_read_as_these_read_them(tmp_path, file):
    text, name, addresses = MEMORY_FILES[file]
    trace = read(tmp_path, text, file=file)
    assert trace.rows.tolist() == READ_AND_WRITE
    assert trace.format == {"name": name, "addresses": addresses}
    named = read(tmp_path, text, file=f"x{'.gz' if file.endswith('.gz') else ''}", name=name)
    assert named.rows.tolist() == READ_AND_WRITE


def test_a_length_of_dramsys_is_kept(tmp_path):
    assert read(tmp_path, "3: (32) read 0x40\n", file="a.stl").rows.tolist() == [[3, 64, 0, 32]]


BLKPARSE = """\
  8,0    3        1     0.000000000   697  Q   W 223490 + 8 [kjournald]
  8,0    3        2     0.000001829   697  G   W 223490 + 8 [kjournald]
  8,0    3        4     0.000100000   697  D  WS 223490 + 8 [kjournald]
  8,0    3        5     0.000120000     0  C  WS 223490 + 8 [0]
  8,0    0        6     0.000130000     0  m   N cfq697 dispatch
  8,0    1        7     0.000200500   698  D  FN [kworker]
  8,0    1        8     0.002000000   698  D   R 1024 + 16 [fio]
  8,0    1        9     0.003000000   698  D   D 0 + 64 [fstrim]
CPU1 (8,0):
 Reads Queued:           1,        8KiB
Total (8,0):
"""
FIO2 = "fio version 2 iolog\n/dev/sdb add\n/dev/sdb open\n/dev/sdb write 4096 4096\n/dev/sdb wait 2000\n"
FIO2 += "/dev/sdb sync 0 0\n/dev/sdb read 8192 512\n/dev/sdb close\n"
FIO3 = "fio version 3 iolog\n1 sdb add\n2 sdb open\n5 sdb write 4096 4096\n5 sdb trim 0 4096\n2005 sdb read 8192 512\n"
IO_FILES = {  # file name: text, format, rows (ns, address, bytes, write), what else is said
    "a.trace": ("5 0 8 16 0\n7 1 0x10 1 1\n", "mqsim", [[5, 4096, 8192, 1], [7, 8192, 512, 0]], {"volumes": 2}),
    "usr_0.csv": (
        "128166372003061629,usr,0,Read,4096,512,41286\n128166372003061639,usr,0,Write,8192,1024,9\n",
        "msr", [[0, 4096, 512, 0], [1000, 8192, 1024, 1]], {"volumes": 1},
    ),
    "sda.blkparse": (
        BLKPARSE, "blkparse", [[100_000, 223490 * 512, 4096, 1], [2_000_000, 1024 * 512, 8192, 0]],
        {"volumes": 1, "left_out": {"discards": 1, "flushes": 1}},
    ),
    "a.iolog": (
        FIO2, "fio", [[0, 4096, 4096, 1], [2_000_000, 8192, 512, 0]], {"volumes": 1, "left_out": {"flushes": 1}},
    ),
    "a.log": (
        FIO3, "fio", [[5000, 4096, 4096, 1], [2_005_000, 8192, 512, 0]],
        {"volumes": 1, "left_out": {"discards": 1}},
    ),
    "Financial1.spc.gz": (
        "0,16,3584,w,0.026214\n1,24,512,R,0.0786435\n", "spc",
        [[26_214_000, 8192, 3584, 1], [78_643_500, 12288, 512, 0]], {"volumes": 2},
    ),
    "io_traces.csv": (
        "419,W,8192,4096,1577808144360767\n420,R,0,512,1577808144360770\n", "alibaba",
        [[0, 8192, 4096, 1], [3000, 0, 512, 0]], {"volumes": 2},
    ),
    "cbs.csv.gz": (
        "1538323199,16,8,0,1063\n1538323200,8,1,1,1063\n", "tencent",
        [[0, 8192, 4096, 0], [10**9, 4096, 512, 1]], {"volumes": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("file", IO_FILES)
def test_storage_traces_in_public_formats_are_read_exactly(tmp_path, file):
    text, name, rows, said = IO_FILES[file]
    trace = read(tmp_path, text, IO, NANOSECONDS, file=file)
    assert trace.rows.tolist() == rows
    assert trace.format == {"name": name, "addresses": "decimal, hexadecimal only with 0x"} | said


@pytest.mark.parametrize(
    ("header", "line", "name"),
    [
        ("Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime", "10,usr,0,Read,512,512,4", "msr"),
        ("device_id,opcode,offset,length,timestamp", "4,R,512,512,10", "alibaba"),
        ("Timestamp,Offset,Size,IOType,VolumeID", "10,1,1,0,7", "tencent"),
    ],
)
def test_names_of_columns_may_come_first(tmp_path, header, line, name):
    trace = read(tmp_path, f"\ufeff{header}\r\n{line}\n", IO, NANOSECONDS, file="a.csv")
    assert (trace.format["name"], trace.rows.tolist()) == (name, [[0, 512, 512, 0]])


def test_queued_requests_are_read_when_asked_for(tmp_path):
    trace = read(tmp_path, BLKPARSE, IO, NANOSECONDS, file="b.txt", name="blkparse-queued")
    assert trace.rows.tolist() == [[0, 223490 * 512, 4096, 1]]


def test_one_volume_is_taken_out_of_many(tmp_path):
    text = "419,W,8192,4096,10\n420,R,0,512,12\n419,R,0,1024,13\n"
    trace = read(tmp_path, text, IO, NANOSECONDS, file="a.csv", volume="419")
    assert trace.rows.tolist() == [[0, 8192, 4096, 1], [3000, 0, 1024, 0]]
    with pytest.raises(ConfigError, match=r"no requests of volume '7'; --volume takes one of 419, 420"):
        read(tmp_path, text, IO, NANOSECONDS, file="a.csv", volume="7")
    with pytest.raises(
        ConfigError, match="--volume: dramsim3 traces are of one memory; leave the option out"
    ):
        read(tmp_path, "0 READ 0\n", volume="0")


def test_an_unknown_format_is_refused_with_those_known(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "0 READ 0\n", name="dramsim")
    assert str(caught.value) == ("--format: 'dramsim' is not known; did you mean 'dramsim3'?")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", ":1: 'x' is not a request; write TIME, such as 7 (addresses: decimal)"),
        ("3\n-1", ":2: '-1' is not a request; write TIME, such as 7 (addresses: decimal)"),
        ("3\n2", ":2: time 2 ns comes after time 3 ns; write times in order"),
        ("# one\n\n101", ":3: time 101 ns is too late; write times up to 100 ns"),
        ("9" * 90, f":1: '{'9' * 80}...' is not a request; write TIME, such as 7 (addresses: decimal)"),
        ("8", ":1: eight"),
        ("# nothing", ": no requests; write lines such as: 7"),
        ("", ": no requests; write lines such as: 7"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, text, message):
    def check(words, row):
        if row == (8,):
            raise ValueError("eight")

    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, TIMES, CLOCK, check)
    assert str(caught.value) == f"{tmp_path}/t.trc{message}"


BAD_LINES = [
    (MEMORY, "0x0 READ 0\n0x40 R\n"),  # another format's line among those of the first
    (MEMORY, "LD 0x0\n0x40 READ 3\n"),
    (MEMORY, "0x0 R\n12 0x40\n"),  # a CPU trace
    (MEMORY, "1a2b R\n"),  # hexadecimal where the format is decimal
    (MEMORY, "0x0 READ 1e400\n"),
    (MEMORY, "0x0 READ -1\n"),
    (MEMORY, "0_0 READ 0\n"),
    (MEMORY, "\u0661 READ 0\n"),  # a digit, but not one of ours
    (IO, "0 0 0 8 1\n0,16,3584,w,0.026214\n"),
    (IO, "0,16,3584,w,inf\n"),
    (IO, "0,16,3584,w,1e999999999\n"),
    (IO, "0,16,3584\n"),
    (IO, "1538323199,16,8,2,1063\n"),
    (IO, "fio version 4 iolog\nf read 0 512\n"),
]


@pytest.mark.parametrize(("formats", "text"), BAD_LINES)
def test_lines_that_are_not_of_the_format_are_refused_in_one_line(tmp_path, formats, text):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, formats, CYCLES if formats is MEMORY else NANOSECONDS)
    assert "is not a request; write " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_relative_times_are_refused(tmp_path):
    with pytest.raises(
        ConfigError, match=r"'10: read 0x0' is not a request; write absolute cycles in a \.stl file"
    ):
        read(tmp_path, "10: read 0x0\n", file="a.rstl")


@pytest.mark.parametrize(
    "data", [gzip.compress(b"1\n" * 999, mtime=0)[:20], b"plain", b"\x1f\x8b\x08rubbish---------"]
)
def test_a_broken_archive_is_refused(tmp_path, data):
    (tmp_path / "t.gz").write_bytes(data)
    with pytest.raises(ConfigError, match=r"t\.gz: not a readable trace \(.*\); write lines such as: 7"):
        read_lines(tmp_path / "t.gz", TIMES, CLOCK, anything)


@pytest.mark.parametrize("formats", [TIMES, MEMORY, IO])
def test_bytes_that_are_no_text_are_refused(tmp_path, formats):
    (tmp_path / "t.trc").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a readable trace"):
        read_lines(tmp_path / "t.trc", formats, CLOCK, anything)
