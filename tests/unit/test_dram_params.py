"""Parameters, mappings, tables and energy."""

from itertools import pairwise

import pytest
from pydantic import ValidationError

from hw_models.dram.build import build_channels
from hw_models.dram.energy import energy_j
from hw_models.dram.mapping import FIELDS, Piece, parse_mapping
from hw_models.dram.params import Dram
from hw_models.dram.spec import ns, to_cycles
from hw_models.dram.standards import MODULES, STANDARDS

WIDTHS = {"channel": 0, "rank": 1, "group": 2, "bank": 2, "row": 16, "column": 7}


def dram(**keys) -> Dram:
    return Dram.model_validate({"standard": "DDR4-2400"} | keys)


def message(**keys) -> str:
    with pytest.raises(ValidationError) as caught:
        dram(**keys)
    return caught.value.errors()[0]["msg"].removeprefix("Value error, ")


def test_times_are_rounded_up_by_the_standard_s_rule():
    assert to_cycles(ns(350), 833_333) == 420
    assert to_cycles(ns(7800), 833_333) == 9360
    assert to_cycles(ns(5, 8), 625_000) == 8
    assert to_cycles(ns(10.1), 1_000_000) == 11
    assert to_cycles(ns(10.02), 1_000_000) == 10  # within the guard band of 2.6 %


def test_matched_timings_are_the_references_():
    expected = {
        "CL": 16, "CWL": 12, "tRCD": 16, "tRP": 16, "tRAS": 39, "tRC": 55, "tRRD_S": 4, "tRRD_L": 6, "tFAW": 26,
        "tCCD_S": 4, "tCCD_L": 6, "tWTR_S": 3, "tWTR_L": 9, "tRTP": 9, "tWR": 18, "tREFI": 9360, "tRFC": 420,
    }  # fmt: skip
    cycles = dram(standard="DDR4-2400R").cycles()
    assert {name: cycles[name] for name in expected} == expected
    cycles = dram(standard="DDR3-1600").cycles()
    assert [cycles[k] for k in ("CL", "CWL", "tFAW", "tREFI", "tRFC")] == [11, 8, 24, 6240, 208]


@pytest.mark.parametrize("name", STANDARDS)
def test_every_speed_of_every_standard_is_consistent(name):
    memory = dram(standard=name)
    t = memory.cycles()
    beats = memory.module.BURST_LENGTH / memory.module.TRANSFERS_PER_CLOCK
    assert t["tRC"] >= t["tRAS"] + t["tRP"]
    assert t["tRAS"] >= t["tRCD"]
    assert t["tCCD_L"] >= t["tCCD_S"] >= beats
    assert t["tFAW"] >= 4 * t["tRRD_S"]
    assert t["tWTR_L"] >= t["tWTR_S"]
    assert t["tRFC"] < t["tREFI"]
    assert memory.burst_bytes in (32, 64)
    assert memory.capacity_bytes & (memory.capacity_bytes - 1) == 0
    rate = memory.module.TRANSFERS_PER_CLOCK * 1e9 / memory.clock_fs  # transfers per microsecond
    assert int("".join(c for c in name.partition("-")[2] if c.isdigit())) == pytest.approx(rate, rel=0.002)


def test_every_module_has_several_speeds_and_a_usual_device():
    for module in MODULES.values():
        assert len(module.SPEEDS) >= 3
        assert len(module.CLOCK_FS) == len(module.SPEEDS)
        assert module.USUAL_DEVICE in module.DEVICES
        assert all(len(row) == len(module.SPEEDS) for row in module.TIMINGS.values())


def test_a_mapping_is_read_from_its_most_significant_field():
    pieces, hashes = parse_mapping("row rank column:4 bank group column", WIDTHS, 6)
    assert pieces == [
        Piece("column", 0, 3, 6),
        Piece("group", 0, 2, 9),
        Piece("bank", 0, 2, 11),
        Piece("column", 3, 4, 13),
        Piece("rank", 0, 1, 17),
        Piece("row", 0, 16, 18),
    ]
    assert hashes == []


def test_a_hash_names_the_address_bits_that_it_lays_over_a_field():
    _, hashes = parse_mapping("row rank bank group column, bank ^= row[1:3], rank ^= row[0:1]", WIDTHS, 6)
    assert hashes == [Piece("bank", 0, 2, 19), Piece("rank", 0, 1, 18)]


def test_a_hash_moves_banks_but_maps_one_to_one():
    state = build_channels(dram(mapping="row bank group column, bank ^= row[0:2], group ^= row[2:4]"))[0]
    seen = set()
    for address in range(0, 1 << 20, 8192):
        place = [0, 0, 0, 0]
        for field, shift, mask, low in state["segment"][: state["segments"]].tolist():
            place[field] ^= (address >> shift & mask) << low
        seen.add((place[1], place[2]))
    assert len(seen) == 128


def test_channels_are_interleaved_above_the_lowest_columns():
    assert dram(channels=4, interleave="1 KiB").channel_shift == 10
    assert dram(channels=2, mapping="row bank group column:4 channel column").channel_shift == 9
    assert dram().channel_shift == 0


def place(memory: Dram, address: int) -> dict[str, int]:
    """Return the fields of an address, read bit by bit."""
    found = dict.fromkeys(FIELDS, 0)
    for piece in memory.pieces()[0]:
        found[piece.field] |= (address >> piece.shift & (1 << piece.bits) - 1) << piece.low
    return found


@pytest.mark.parametrize("interleave", ["64 B", "256 B", "4 KiB", "1 MiB"])
@pytest.mark.parametrize(
    "mapping", [None, "linear", "row bank column:2 rank group column", "rank row bank group column"]
)
@pytest.mark.parametrize("standard", ["DDR4-3200", "HBM2-2000", "GDDR6-16000"])
def test_channels_lie_above_the_interleave_in_every_mapping(standard, mapping, interleave):
    keys = {"mapping": mapping} if mapping else {}
    memory = dram(standard=standard, channels=4, interleave=interleave, **keys)
    assert memory.channel_shift == memory.interleave_bytes.bit_length() - 1
    pieces = sorted(memory.pieces()[0], key=lambda piece: piece.shift)
    assert pieces[0].shift == memory.burst_bytes.bit_length() - 1
    assert all(low.shift + low.bits == high.shift for low, high in pairwise(pieces))
    assert 1 << pieces[-1].shift + pieces[-1].bits == memory.capacity_bytes


def test_an_interleave_beyond_the_memory_puts_the_channel_on_top():
    assert dram(channels=2, interleave="64 GiB").channel_shift == 33


def test_by_default_lines_take_turns_in_bank_groups_and_pseudo_channels():
    ddr4, hbm = dram(), dram(standard="HBM2-2000")
    assert [place(ddr4, 64 * k)["group"] for k in range(5)] == [0, 1, 2, 3, 0]
    assert [place(hbm, 32 * k)["group"] for k in range(9)] == [0, 0, 1, 1, 2, 2, 3, 3, 0]
    assert [place(hbm, 256 * k)["rank"] for k in range(3)] == [0, 1, 0]
    assert dram(mapping="interleaved") != ddr4
    assert dram(mapping="interleaved").pieces() == ddr4.pieces()


def test_the_old_mapping_is_linear_and_the_default_of_partitions():
    assert dram(mapping="linear").pieces() == dram(mapping="row rank bank group column").pieces()
    assert dram(partition={"a": [0]}).pieces() == dram(mapping="linear").pieces()


BAD = [
    ({"standard": "DDR4-9999"}, "'DDR4-9999' is unknown; did you mean 'DDR4-2933'? `dlasim list standards` has all"),
    ({"device": "4Gb_x4"}, "'4Gb_x4' is not one of DDR4; write one of 4Gb_x8, 8Gb_x8, 16Gb_x8"),
    ({"timing": {"tXYZ": 3}}, "'tXYZ' is not one of DDR4; write CL, CWL, tRCD"),
    ({"channels": 3}, "3 is not a power of two; write 1, 2, 4, ..."),
    ({"interleave": "32 B"}, "interleave 32 B is less than a burst of 64 B"),
    ({"interleave": "96 B"}, "interleave 96 B is not a power of two; write 256 B, 512 B, ..."),
    ({"currents": {"idd9": 1}}, "'idd9' is unknown; write vdd, idd0, idd2n, idd2p, idd3n, idd3p, idd4r, idd4w"),
    ({"timing": {"CL": -1}}, "CL is -1; write a number of command clocks, 0 or more"),
    ({"refresh": "per_bank"}, "DDR4 has no per-bank refresh; write all_bank or none"),
    ({"write_low": 0.9}, "write_low 0.9 is not below write_high 0.8"),
    ({"self_refresh_after": "9 cycles"}, "self_refresh_after needs power_down_after: a rank goes from one to the other"),
    ({"mapping": "row bank kolumn"}, "mapping piece 'kolumn' is unknown; write channel, rank, group, bank, row, column"),
    ({"mapping": "row bank column"}, "mapping 'row bank column' gives group 0 bits; this memory has 2"),
    (
        {"mapping": "row bank group column, bank ^= row[14:18]"},
        "mapping hash 'bank ^= row[14:18]': those bits are not one piece of row that fits bank",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "text"), BAD)
def test_a_mistake_is_told_with_what_would_be_right(keys, text):
    assert message(**keys).startswith(text)


def test_energy_of_one_activate_and_one_read_by_hand():
    memory = dram(refresh="none")
    row = build_channels(memory)[0]
    row["activates"], row["reads"] = 1, 1
    energy = energy_j(row, memory, 0)
    volt_chips_s = 1.2 * 8 * 833.333e-12 * 1e-3
    assert energy["activate"] == pytest.approx((48 * 55 - 43 * 39 - 34 * 16) * volt_chips_s)
    assert energy["read"] == pytest.approx((135 - 43) * 4 * volt_chips_s)
    assert energy_j(row, memory, 1000)["precharge_standby"] == pytest.approx(34 * 1000 * volt_chips_s)
