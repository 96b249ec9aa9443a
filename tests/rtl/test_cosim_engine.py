"""The example engine in the loop: alone, behind DDR4, with four hogs, with a regulator; and its recorded bus."""

import json
from pathlib import Path

import pytest
from runner import ROOT

import simulator
from simulator.cosim.cli import cosim_command
from workloads.bus.table import read_table

HERE = Path(__file__).parent
SOURCE = ROOT / "hw_models/mac_engine/rtl/mac_engine.sv"
DUT = {"dut": {"kind": "external", "width": "64 bit", "clock": "1 GHz"}}
REPLAY = {"dut": {"kind": "replay", "port": "8 B", "clock": "1 GHz"}}
BUS = {"clock": "1 GHz", "width": "16 B", "latency": "4 cycles"}
DDR4 = {"interconnect": BUS, "llc": {"size": "64 KiB", "ways": 4}, "dram": {"standard": "DDR4-2400"}}
CORES = {f"core{i}": {"clock": "1 GHz"} for i in range(4)}
HOGS = [
    {"on": name, "kind": f"bandwidth_{'write' if i % 2 else 'read'}", "footprint": "4 MiB"}
    for i, name in enumerate(CORES)
]
BUDGETS = {"period": "1 us", "masters": {name: {"budget": "200 MB/s"} for name in CORES}}
CASES = {
    "alone": ({"memory": {"latency": "20 cycles"}}, []),
    "ddr4": (DDR4, []),
    "hogs": ({**DDR4, "cores": CORES}, HOGS),
    "regulated": ({**DDR4, "cores": CORES, "interconnect": BUS | BUDGETS}, HOGS),
}


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """Return the folder with the bus of the engine's RTL, recorded in the loop with each of CASES."""
    folder = tmp_path_factory.mktemp("engine")
    configs = {
        name: {"system": {"masters": DUT, **system}, "corunners": hogs}
        for name, (system, hogs) in CASES.items()
    }
    (folder / "cases.json").write_text(json.dumps(configs))
    (folder / "soc.json").write_text(json.dumps(configs["alone"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPT_FAST", "-O1")
        patch.setenv("OPT_GLOBAL", "-O0")
        patch.setenv("ENGINE_CASES", str(folder / "cases.json"))
        bench, out = str(HERE / "cosim/cocotb_engine.py"), folder / "run"
        assert not cosim_command("mac_engine", [SOURCE], bench, folder / "soc.json", out, plots=False)
    return folder


def recorded(folder, case):
    rows = read_table(folder / f"{case}.csv").transactions
    return int(rows["done"].max() - rows["issue"].min())


def replayed(folder, recorded_in, case, **job):
    system, hogs = CASES[case]
    workloads = {"product": {"trace": str(folder / f"{recorded_in}.csv"), "on": "dut", **job}}
    config = {"system": {"accelerators": REPLAY, **system}, "corunners": hogs, "workloads": workloads}
    columns = simulator.run(config).transactions["product"]
    return int(columns["done"].max() - columns["issue"].min())


def test_hogs_slow_the_engine_and_a_regulator_helps(traces):
    took = {name: recorded(traces, name) for name in CASES}
    assert took["alone"] < took["ddr4"] < took["hogs"]
    assert took["regulated"] < took["hogs"]


def test_its_recorded_bus_takes_its_cycles_again_and_those_it_has_in_another_system(traces):
    """Exactly where it was recorded; recorded alone, within 1 % behind DDR4."""
    for name in ("alone", "ddr4"):
        assert replayed(traces, name, name) == recorded(traces, name)
    assert replayed(traces, "alone", "ddr4") == pytest.approx(recorded(traces, "ddr4"), rel=0.01)


def test_the_run_folder_has_the_trace_that_the_test_recorded(traces):
    """But for when either began to count."""
    for name in CASES:
        (path,) = (traces / "run").glob(f"*{name}*/bus_dut.csv")
        ours, theirs = read_table(path).transactions, read_table(traces / f"{name}.csv").transactions
        for field in ("write", "id", "address", "bytes"):
            assert ours[field].tolist() == theirs[field].tolist()
        for field in ("accept", "done"):
            assert (ours[field] - ours["accept"][0]).tolist() == (
                theirs[field] - theirs["accept"][0]
            ).tolist()


def test_beside_hogs_it_takes_as_long_within_2_percent(traces):
    """In phase with them; who is served first on a tie is another, as its number among the masters is."""
    for name in ("hogs", "regulated"):
        assert replayed(traces, name, name, lead_in=True) == pytest.approx(recorded(traces, name), rel=0.02)
