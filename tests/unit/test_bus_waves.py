"""Waves of an AXI port as a recording: a value change dump, its port, its transactions."""

import gzip

import pytest

import simulator
from hw_models.errors import ConfigError
from workloads.bus.waves import read_waves

PORT = {
    "arvalid": 1, "arready": 1, "arid": 4, "araddr": 40, "arlen": 8, "arsize": 3,
    "rvalid": 1, "rready": 1, "rid": 4, "rdata": 64, "rlast": 1,
    "awvalid": 1, "awready": 1, "awid": 4, "awaddr": 40, "awlen": 8, "awsize": 3,
    "wvalid": 1, "wready": 1, "wdata": 64, "wlast": 1,
    "bvalid": 1, "bready": 1, "bid": 4,
}  # fmt: skip
READ = {"arvalid": 1, "arid": 3, "araddr": 0x80_0000_1000, "arlen": 1, "arsize": 3}
OTHER = {**READ, "arid": 5, "araddr": 0x2000, "arlen": 0}
BEATS = [(3, 0), (5, 1), (3, 1)]  # the second read's beat comes between the first one's
CYCLES = [
    {},
    {**READ, "arready": 0},
    {**READ, "arready": 1},
    {**OTHER, "arready": 1},
    {},
    *({"rvalid": 1, "rready": 1, "rid": name, "rlast": last} for name, last in BEATS),
    {"wvalid": 1, "wready": 0},  # data before their address
    {"wvalid": 1, "wready": 1},
    {"awvalid": 1, "awready": 1, "awaddr": 0x3008, "awlen": 1, "awsize": 3, "awid": 2},
    {"wvalid": 1, "wready": 1, "wlast": 1},
    {},
    {"bvalid": 1, "bready": 0, "bid": 2},
    {"bvalid": 1, "bready": 1, "bid": 2},
    {"arvalid": 1, "arready": 1},  # never answered
    {},
]


def dump(cycles, port=PORT, unknown=()):
    """Return a value change dump: a clock of 10 units, signals that change with its edges."""
    codes = {name: chr(34 + i) for i, name in enumerate(port)}
    lines = ["$timescale 1ns $end", "$scope module top $end", "$var wire 1 ! clk $end"]
    lines += ["$scope module dut $end"]
    lines += [
        f"$var wire {bits} {codes[name]} m_axi_{name} [{bits - 1}:0] $end" for name, bits in port.items()
    ]
    lines += ["$scope module inner $end"]  # the same wires once more
    lines += [f"$var wire {bits} {codes[name]} axi_{name} [{bits - 1}:0] $end" for name, bits in port.items()]
    lines += [*3 * ["$upscope $end"], "$enddefinitions $end", "$dumpvars"]
    lines += [
        f"b{'x' * bits} {codes[name]}" if bits > 1 else f"x{codes[name]}" for name, bits in port.items()
    ]
    lines += ["$end"]
    for cycle, values in enumerate(cycles):
        lines += [f"#{10 * cycle}", "1!"]  # the edge, then what changes with it: seen at the next one
        for name, bits in port.items():
            value = values.get(name, 0)
            lines.append(f"b{value:b} {codes[name]}" if bits > 1 else f"{value}{codes[name]}")
        lines += [f"#{10 * cycle + 5}", "0!"]
    return "\n".join(lines) + f"\n#{10 * len(cycles)}\n1!\n"


def test_the_transactions_of_a_port_are_read_off_its_waves(tmp_path):
    for name, write in (
        ("a.vcd", lambda p, t: p.write_text(t)),
        ("a.vcd.gz", lambda p, t: p.write_bytes(gzip.compress(t.encode()))),
    ):
        write(tmp_path / name, dump(CYCLES))
        rows = read_waves(tmp_path / name, None, None).transactions
        seen = [
            tuple(
                int(row[f])
                for f in ("write", "id", "address", "bytes", "issue", "accept", "first", "last", "done")
            )
            for row in rows
        ]
        assert seen == [
            (0, 3, 0x80_0000_1000, 16, 2, 3, 6, 8, 8),
            (0, 5, 0x2000, 8, 4, 4, 7, 7, 7),
            (1, 2, 0x3008, 16, 11, 11, 10, 12, 15),
        ]


def test_a_dump_runs_as_a_workload(tmp_path):
    (tmp_path / "a.vcd").write_text(dump(CYCLES))
    system = {
        "accelerators": {"dma0": {"kind": "replay", "clock": "1 GHz"}},
        "memory": {"latency": "3 cycles"},
    }
    job = {"trace": str(tmp_path / "a.vcd"), "on": "dma0", "port": "top.dut.m_axi_", "clock": "top.clk"}
    result = simulator.run({"system": system, "workloads": {"x": job}})
    assert result.summary["masters"]["dma0"]["read_bytes"] == 24
    assert result.summary["masters"]["dma0"]["write_bytes"] == 16


@pytest.mark.parametrize(
    ("text", "port", "clock", "message"),
    [
        ("nothing", None, None, "no $enddefinitions; write a value change dump"),
        (dump([], {"a": 1}), None, None, "port: 0 ports; AXI signals begin with none; write a dump with signals such as m_axi_arvalid"),
        (dump([]), "top.s_", None, "port: 'top.s_' is no port; AXI signals begin with top.dut.m_axi_, top.dut.inner.axi_"),
        (dump([], {"arvalid": 1}), None, None, "port: top.dut.m_axi_arready is not in the dump; write all"),
        (dump([]), None, "top.clock", "clock: 'top.clock' is not in the dump; write its whole path"),
        (dump([{}]), None, None, "no whole transaction at top.dut.m_axi_; write waves of a run to its end"),
        (dump([{**READ, "arready": 1}] + 2 * [{"rvalid": 1, "rready": 1, "rid": 3}]), None, None, "top.dut.m_axi_: edge 3: the last of 2 beats of id 3 is without RLAST; write the prefix of an AXI port"),
    ],
)  # fmt: skip
def test_a_mistake_in_waves_is_told(tmp_path, text, port, clock, message):
    path = tmp_path / "a.vcd"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_waves(path, port, clock)
    assert str(error.value) == f"{path}: {message}"
