"""RTL in the loop: the copy engine behind several SoCs, by both front ends, and what is refused."""

import csv
import json
import re
from pathlib import Path

import pytest

from hw_models.errors import ConfigError
from simulator.cosim.cli import cosim_command
from simulator.cosim.limits import Limits
from simulator.cosim.names import is_low
from simulator.cosim.verilator import Design, build
from simulator.single import run_one

HERE = Path(__file__).parent / "cosim"
DUT = {"dut": {"kind": "external", "width": "64 bit", "clock": "1 GHz"}}
IDEAL = {"system": {"masters": DUT, "memory": {"latency": "20 cycles", "bandwidth": "8 B/cycle"}}}
BUS = {"clock": "1 GHz", "width": "16 B", "latency": "4 cycles"}
SOC = {
    "system": {
        "masters": DUT,
        "interconnect": BUS,
        "llc": {"size": "512 KiB", "ways": 8},
        "dram": {"standard": "LPDDR4-3200"},
        "cores": {"core0": {"clock": "1 GHz"}},
    }
}
HOGS = [
    {"on": f"core{i}", "kind": f"bandwidth_{'write' if i % 2 else 'read'}", "footprint": "4 MiB"}
    for i in range(4)
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function that runs the copy engine's tests in front of an SoC; the design is built once."""
    cache = pytest.MonkeyPatch()
    cache.setenv("OPT_FAST", "-O1")
    cache.setenv("OPT_GLOBAL", "-O0")

    def run(config, testcase="copies_bit_exact", skip=True, **options):
        folder = tmp_path_factory.mktemp("cosim")
        (folder / "soc.json").write_text(json.dumps(config))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MOVER_OUT", str(folder / "cycles.json"))
            patch.setenv("DLASIM_COSIM_SKIP", str(int(skip)))
            patch.chdir(folder)  # a relative --out is of this folder, not of the simulator's
            failed = cosim_command(
                "mover", [HERE / "mover.sv"], str(HERE / "cocotb_mover.py"), Path("soc.json"), Path("run"),
                testcase=testcase, plots=False, **options,
            )  # fmt: skip
        return failed, folder

    yield run
    cache.undo()


def bursts(folder):
    with (folder / "run/bursts.csv").open() as file:
        return list(csv.DictReader(file))


def cycles(folder):
    return json.loads((folder / "cycles.json").read_text())


def clock(folder):
    return json.loads((folder / "run/clocks.json").read_text())["clocks"]["clk"]


@pytest.fixture(scope="module")
def crowded(run):
    failed, folder = run(SOC | {"corunners": HOGS})
    assert not failed
    return folder


def test_both_front_ends_have_every_burst_in_the_same_cycles(run, crowded):
    failed, slow = run(SOC | {"corunners": HOGS}, front_end="cocotb")
    assert not failed
    assert bursts(slow) == bursts(crowded)
    assert (clock(crowded)["front_end"], clock(slow)["front_end"]) == ("verilator", "cocotb")


def test_edges_that_a_task_awaits_and_signals_that_cocotb_reads_have_the_same_bursts(run, monkeypatch):
    """As with a cocotb whose inside is another, and a simulator without VPI."""
    runs = [run(IDEAL, front_end="cocotb")]
    monkeypatch.setenv("MOVER_AWAITS", "1")
    monkeypatch.setenv("MOVER_READS", "1")
    runs.append(run(IDEAL, front_end="cocotb"))
    assert [failed for failed, _ in runs] == [0, 0]
    assert bursts(runs[0][1]) == bursts(runs[1][1])


def test_skipping_idle_cycles_moves_no_burst(run, crowded):
    _, folder = run(SOC | {"corunners": HOGS}, skip=False)
    assert bursts(folder) == bursts(crowded)
    assert (
        clock(crowded)["served"]
        < clock(folder)["served"]
        == clock(folder)["cycles"]
        == clock(crowded)["cycles"]
    )


def test_the_design_is_a_master_of_the_summary_and_slower_with_hogs(run, crowded):
    _, alone = run(SOC)
    assert all(cycles(crowded)[shape] > cycles(alone)[shape] for shape in ("0", "1", "2"))
    summary = json.loads((crowded / "run/summary.json").read_text())
    dut, copied = summary["masters"]["dut"], 5 * 64 * 128
    assert dut["read_bytes"] == dut["write_bytes"] == copied
    assert dut["reads"] == dut["bus"]["read_bursts"] == 5 * 64
    waits = summary["interference"]["dut"]
    assert all(waits[f"core{i}"]["delay_s"] > 0 for i in range(4))
    assert all(summary["interference"][f"core{i}"]["dut"]["delay_s"] > 0 for i in range(4))
    timeline = (crowded / "run/timeline.json").read_text()
    assert '"dut reads"' in timeline


def test_a_reset_with_bursts_in_flight_drops_them_by_both_front_ends(run):
    """No answer comes after it: the same copy, begun anew, is right."""
    runs = [
        run(SOC, "begins_anew_after_a_reset_in_the_middle", front_end=by) for by in ("verilator", "cocotb")
    ]
    assert [failed for failed, _ in runs] == [0, 0]
    assert bursts(runs[0][1]) == bursts(runs[1][1])


def test_a_read_takes_the_latency_of_ideal_memory_exactly(run):
    failed, folder = run(IDEAL)
    assert not failed
    first = next(row for row in bursts(folder) if row["kind"] == "read")
    assert int(first["first_cycle"]) - int(first["begin_cycle"]) == 20
    assert int(first["end_cycle"]) == int(first["last_cycle"]) == int(first["first_cycle"]) + 15


def test_two_buses_on_two_clocks_are_the_same_by_both_front_ends(run):
    poller = {"kind": "external", "bus": "axi4_lite", "width": "32 bit", "clock": "800 MHz"}
    system = SOC["system"] | {"masters": DUT | {"poller": poller}}
    runs = [
        run({"system": system}, "two_buses_on_two_clocks", front_end=by) for by in ("verilator", "cocotb")
    ]
    assert [failed for failed, _ in runs] == [0, 0]
    fast, slow = (bursts(folder) for _, folder in runs)
    assert fast == slow
    assert {row["master"] for row in fast} == {"dut", "poller"}
    summary = json.loads((runs[0][1] / "run/summary.json").read_text())
    assert summary["interference"]["poller"]["dut"]["delay_s"] > 0


def test_a_failing_test_leaves_the_waveform_of_its_end(run, capfd):
    failed, folder = run(IDEAL, testcase="asks_for_an_exclusive_access")
    assert failed == 1
    assert "read at 0x1000, id 0: an exclusive access (AxLOCK)" in capfd.readouterr().out
    wave = (folder / "run/failure.vcd").read_text()
    assert "m_axi_arlock" in wave
    assert max(int(line[1:]) for line in wave.splitlines() if line.startswith("#")) > 10_000  # until its end


def test_a_bus_on_which_nothing_moves_fails_the_test_with_who_waits_for_whom(run, capfd):
    """The same is told by both front ends, of the same cycle."""
    told = []
    for front_end in ("verilator", "cocotb"):
        failed, _ = run(IDEAL, testcase="takes_no_more_answers", front_end=front_end)
        assert failed == 1
        told += re.findall(r"nothing moves on the bus: (cycle \d+; .*) \(", capfd.readouterr().out)
    assert "dut: R of id 0 is valid and waits for the master's RREADY" in told[0]
    assert "the test waits for" in told[0]
    assert len(set(told)) == 1


def test_a_simulator_that_crashes_is_told_in_a_line(run):
    with pytest.raises(ConfigError, match=r"the simulator has crashed, .*return code: -9"):
        run(IDEAL, testcase="crashes")


@pytest.mark.parametrize(
    ("front_end", "limits", "said"),
    [
        ("verilator", Limits(quiet_cycles=10_000), "no bus has asked for anything in 10000 cycles: cycle "),
        ("cocotb", Limits(cycles=20_000), "--cycles 20000: cycle "),
        ("verilator", Limits(until_s=1.0), "--timeout has passed: cycle "),
    ],
)
def test_a_test_that_waits_for_ever_on_a_quiet_bus_is_ended(run, capfd, front_end, limits, said):
    failed, _ = run(IDEAL, testcase="waits_for_ever", front_end=front_end, limits=limits)
    assert failed == 1
    told = capfd.readouterr().out
    assert said in told
    assert re.search(r"the test waits for .*RisingEdge.*busy.* \(cocotb_mover.py:\d+\)", told)


def test_a_testcase_that_no_test_bears_is_a_mistake(run):
    with pytest.raises(ConfigError, match="--testcase copies: no test of cocotb_mover is run"):
        run(IDEAL, testcase="copies")


def test_a_test_that_starts_no_clock_is_ended(run, capfd):
    failed, _ = run(IDEAL, testcase="starts_no_clock", limits=Limits(quiet_cycles=50_000))
    assert failed == 1
    assert "no clock of a bus runs: cycle 0: the test waits for" in capfd.readouterr().out


def test_vhdl_is_told_to_go_to_another_simulator(tmp_path):
    source = tmp_path / "dma.vhd"
    source.touch()
    with pytest.raises(ConfigError, match="VHDL, which Verilator does not read; write --simulator ghdl"):
        build(Design("dma", (source,)), waves=False)


@pytest.mark.parametrize(
    ("name", "low"), [("aresetn", 1), ("rst_ni", 1), ("rst_n_in", 1), ("reset_in", 0), ("rst_i", 0)]
)
def test_a_resets_name_says_its_level(name, low):
    assert is_low(name) == low


def test_a_mistake_is_told_before_anything_is_built(run):
    with pytest.raises(ConfigError, match="no outside master; write masters"):
        run({"system": {"memory": {"latency": "20 cycles"}}})
    with pytest.raises(ConfigError, match="is not known; write one of auto, verilator, cocotb"):
        run(IDEAL, front_end="dpi")
    with pytest.raises(
        ConfigError, match="stands outside, and nobody is there to drive it; run it with dlasim cosim"
    ):
        run_one(IDEAL)
