"""What the twin of the DRAM controller can be is told; what it cannot be is refused in words."""

import pytest

from hw_models.dram.build import build_channels
from hw_models.dram.params import Dram
from simulator.cosim_blocks.dram_settings import check_twin, place, twin_inputs

BUILT = {"RANKS": 2, "GROUPS": 4, "BANKS": 4, "ENTRIES": 32, "ANSWERS": 64}
DDR4 = {"standard": "DDR4-2400", "read_queue": 8, "write_queue": 8}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"channels": 2}, "the twin is one channel"),
        ({"scheduler": "bliss"}, "scheduler: bliss is not in the twin; write fcfs"),
        ({"scheduler": "bank_round_robin"}, "scheduler: bank_round_robin is not in the twin"),
        ({"power_down_after": "100 cycles"}, "knows no power-down"),
        ({"entry_width": "8 B"}, "no FIFO in front"),
        ({"ranks": 4}, "4 ranks of 4 x 4 banks; this twin is built with RANKS 2, GROUPS 4, BANKS 4"),
        ({"standard": "DDR3-1600"}, "1 ranks of 1 x 8 banks"),
        ({"read_queue": 32}, "queues of 40 entries; this twin is built with ENTRIES 32"),
    ],
)
def test_what_the_twin_cannot_be_is_refused(keys, words):
    with pytest.raises(ValueError, match=words):
        check_twin(Dram.model_validate(DDR4 | keys), BUILT)


def test_a_timing_that_its_counters_cannot_hold_is_refused():
    dram = Dram.model_validate(DDR4 | {"timing": {"tRFC": 2048}})
    check_twin(dram, BUILT)
    with pytest.raises(ValueError, match="timing: rfc is 2048 clocks; the twin counts to 2047"):
        twin_inputs(build_channels(dram)[0])


def test_every_standards_own_timings_fit():
    for standard in ("DDR4-3200", "DDR5-6400", "LPDDR5-6400", "HBM3-6400", "GDDR6-16000"):
        assert twin_inputs(build_channels(Dram.model_validate({"standard": standard}))[0])["refi"] > 0


def test_a_mask_names_the_address_bits_of_a_field_and_its_hash():
    dram = Dram.model_validate(DDR4 | {"mapping": "row bank group column, bank ^= row[0:2]"})
    masks = twin_inputs(build_channels(dram)[0])["bank_mask"]
    none = dict.fromkeys(("rank", "group", "bank", "row", "column", "channel"), 0)
    bank, group, row = (place(dram, none | {name: 1}) for name in ("bank", "group", "row"))
    expected = (bank | row, (bank | row) << 1, group, group << 1)
    assert [masks >> 36 * bit & (1 << 36) - 1 for bit in range(4)] == list(expected)
