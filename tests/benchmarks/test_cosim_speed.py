"""How many cycles of a small design a second of this processor simulates with an SoC behind it.

Figures of a busy two-core machine are in docs/cosim.md. A clock alone, with cocotb asleep, is the limit.
"""

import json
from pathlib import Path

import pytest

from simulator.cosim.cli import cosim_command

HERE = Path(__file__).parent
MOVER = HERE.parent / "rtl/cosim/mover.sv"
DUT = {"dut": {"kind": "external", "width": "64 bit", "clock": "1 GHz"}}
PARTS = {
    "masters": DUT,
    "interconnect": {"clock": "1 GHz", "width": "16 B", "latency": "4 cycles"},
    "llc": {"size": "512 KiB", "ways": 8},
    "dram": {"standard": "LPDDR4-3200"},
    "cores": {"core0": {"clock": "1 GHz"}},
}
HOGS = [{"on": f"core{i}", "kind": "bandwidth_write", "footprint": "4 MiB"} for i in range(4)]
LEAST = {
    ("verilator", 0): 1_000_000,
    ("verilator", 4): 700_000,
    ("cocotb", 0): 100_000,
    ("cocotb", 4): 100_000,
}  # while it copies; on a free core


@pytest.mark.parametrize(("front_end", "hogs"), LEAST)
def test_cycles_per_cpu_second(benchmark, tmp_path, monkeypatch, front_end, hogs):
    monkeypatch.setenv("SPEED_OUT", str(tmp_path / "speed.json"))
    monkeypatch.setenv("SPEED_CYCLES", "500000" if front_end == "verilator" else "100000")
    (tmp_path / "soc.json").write_text(json.dumps({"system": PARTS, "corunners": HOGS[:hogs]}))

    def run():
        assert not cosim_command(
            "mover", [MOVER], str(HERE / "cocotb_speed.py"), tmp_path / "soc.json", tmp_path / "run",
            front_end=front_end, plots=False,
        )  # fmt: skip

    benchmark.pedantic(run, rounds=1)
    speed = json.loads((tmp_path / "speed.json").read_text())
    benchmark.extra_info |= speed
    print(
        f"\n{front_end}, {hogs} hogs: " + ", ".join(f"{name} {value:,.0f}" for name, value in speed.items())
    )
    assert (
        min(speed["idle"], speed["copying"]) > LEAST[front_end, hogs] / 4
    )  # a quarter: machines differ, orders of magnitude do not
