"""AHB-Lite and TileLink-UL by the adapters that come with the package; engines that wait for each other."""

import json
from pathlib import Path

import pytest

from hw_models.errors import ConfigError
from simulator.cosim.cli import cosim_command

HERE = Path(__file__).parent / "cosim"
BENCH = str(HERE / "cocotb_adapters.py")
SOC = {
    "system": {
        "masters": {"dut": {"kind": "external", "width": "32 bit", "clock": "1 GHz"}},
        "memory": {"latency": "6 cycles"},
    }
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Return the file of a small SoC; designs are built quickly."""
    monkeypatch.setenv("OPT_FAST", "-O1")
    monkeypatch.setenv("OPT_GLOBAL", "-O0")
    path = tmp_path / "soc.json"
    path.write_text(json.dumps(SOC))
    return path


@pytest.mark.parametrize(
    ("adapter", "testcase"),
    [
        ("ahb_lite_to_axi", "ahb_transfers_in_a_pipeline"),
        ("tl_ul_to_axi", "tilelink_messages_of_many_sources"),
    ],
)
def test_random_transfers_have_the_right_data_and_break_no_rule_of_axi(config, tmp_path, adapter, testcase):
    assert not cosim_command(
        adapter, [Path(f"{adapter}.sv")], BENCH, config, tmp_path / "run", testcase=testcase, plots=False
    )


def test_four_engines_behind_a_crossbar_that_wait_for_each_other_are_told_as_such(config, tmp_path, capfd):
    """The first's data are in front of the last's, whose write goes first."""
    config.write_text(json.dumps(SOC).replace("32 bit", "64 bit"))
    bench, source = str(HERE / "cocotb_four_copies.py"), HERE / "four_copies.sv"
    assert cosim_command("four_copies", [source], bench, config, tmp_path / "run", plots=False) == 2
    told = capfd.readouterr().out
    assert "dut: R of id 0 is valid and waits for the master's RREADY" in told
    assert "dut: write at 0x13000 of id 3 waits for 4 of its 4 beats on W" in told
    assert "'m_axis' has neither arvalid nor awvalid; write the prefix of one of the design: m_axi" in told


def test_a_source_that_is_neither_a_file_nor_an_adapter_is_a_mistake(config, tmp_path):
    with pytest.raises(ConfigError, match="no such file; write a source of the design, or an adapter: ahb"):
        cosim_command("top", [Path("apb_to_axi.sv")], BENCH, config, tmp_path / "run")
