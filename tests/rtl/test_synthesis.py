"""RTL twins can be synthesized (Yosys, from PyPI's pyosys; skipped where it is absent)."""

import pytest

from simulator.cosim_blocks.blocks import BLOCKS, Block
from simulator.cosim_blocks.synthesis import cells

pytest.importorskip("pyosys")
# Yosys takes half a minute or more for each of the others, and for a pipeline with more places
QUICK = ("arbiter", "regulator", "tag_path", "conv_core", "cdma", "mcif", "sdp", "pdp", "sdp_pdp", "cdp")
SMALL_PIPE = {"ATOM": 8, "BANKS": 4, "DEPTH": 16, "SDP_ELEMENTS": 1, "BURST": 1}
SMALL_DRAM = {"RANKS": 1, "GROUPS": 2, "BANKS": 2, "ENTRIES": 8, "ANSWERS": 8}
CASES = {name: (BLOCKS[name], BLOCKS[name].sets[0]) for name in QUICK} | {
    "conv_pipe": (BLOCKS["conv_pipe"], SMALL_PIPE),
    "dram_controller": (BLOCKS["dram_controller"]._replace(top="dram_controller"), SMALL_DRAM),
}


@pytest.mark.parametrize("name", CASES)
def test_twin_is_synthesized_without_latches(name):
    found = cells(*CASES[name])
    print(f"{name}: {sum(found.values())} cells, {found}")
    assert any("dff" in kind for kind in found)


def test_a_latch_is_found(tmp_path):
    source = tmp_path / "latch.sv"
    source.write_text(
        "module latch(input a, input b, output logic q); always_latch if (a) q = b; endmodule\n"
    )
    with pytest.raises(RuntimeError, match="latches"):
        cells(Block("latch", (str(source),), "", ({},)), {})
