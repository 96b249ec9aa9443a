"""Look-up tables of SDP's Y unit and of CDP: LE of 65 entries (linear or exponential), LO of 257 (linear).

Both are looked up at once; hits, misses and priorities decide which one gives the result. A miss below or
above a table goes on from its first or last entry with a slope. Sources: NVDLA hardware manual, "LUT
programming"; NV_NVDLA_SDP_CORE_Y_{idx,inp}.v, NV_NVDLA_CDP_DP_{LUT_ctrl,intp}.v.
"""

import numpy as np

from hw_models.jit import njit
from hw_models.nvdla.registers import LE_ENTRIES, LO_ENTRIES, Settings
from hw_models.nvdla.values.rounding import saturate, shift_signed

HIT, BELOW, ABOVE = 0, 1, 2

TABLE = np.dtype(  # one table's settings
    [
        ("start", np.int64),
        ("end", np.int64),
        ("last", np.int64),  # index of the last entry
        ("exponential", np.int64),  # 1: entry i begins 2**(i + offset) behind the start
        ("offset", np.int64),
        ("select", np.int64),  # linear: an entry every 2**select
        ("below_scale", np.int64),
        ("below_shift", np.int64),
        ("above_scale", np.int64),
        ("above_shift", np.int64),
    ]
)

LUT = np.dtype(
    [
        ("le", TABLE),
        ("lo", TABLE),
        ("below_lo", np.int64),  # 1: LO gives the result when both tables are missed below
        ("above_lo", np.int64),
        ("hybrid_lo", np.int64),  # ... when both are hit, or missed at different ends
        ("fraction_bits", np.int64),  # places of an entry's fraction that interpolation sees
        ("bits", np.int64),  # of the result
        ("le_entries", np.int64, (LE_ENTRIES,)),
        ("lo_entries", np.int64, (LO_ENTRIES,)),
    ]
)
FRACTION_BITS = {"SDP": 35, "CDP": 16}
RESULT_BITS = {"SDP": 32, "CDP": 16}


def _bound(unit: Settings, name: str) -> int:
    """Return a start or an end: 32 bits in SDP, 38 in CDP."""
    if unit.unit == "SDP":
        return unit.signed(name)
    value = unit[f"{name}_HIGH"] << 32 | unit[f"{name}_LOW"]
    return value - (1 << 38) if value >> 37 else value


def lut_of(unit: Settings) -> np.ndarray:
    """Return the tables of SDP or CDP as one LUT row, shape ()."""
    lut = np.zeros(1, LUT)[0]
    for key, prefix, last in (("le", "LUT_LE", LE_ENTRIES - 1), ("lo", "LUT_LO", LO_ENTRIES - 1)):
        table = lut[key]
        table["start"], table["end"] = _bound(unit, f"{prefix}_START"), _bound(unit, f"{prefix}_END")
        table["last"] = last
        table["select"] = unit.signed(f"{prefix}_INDEX_SELECT")
        for end, name in (("below", "UFLOW"), ("above", "OFLOW")):
            table[f"{end}_scale"] = unit.signed(f"{prefix}_SLOPE_{name}_SCALE")
            table[f"{end}_shift"] = unit.signed(f"{prefix}_SLOPE_{name}_SHIFT")
    lut["le"]["exponential"] = 1 - unit["LUT_LE_FUNCTION"]
    lut["le"]["offset"] = unit.signed("LUT_LE_INDEX_OFFSET")
    lut["below_lo"], lut["above_lo"] = unit["LUT_UFLOW_PRIORITY"], unit["LUT_OFLOW_PRIORITY"]
    lut["hybrid_lo"] = unit["LUT_HYBRID_PRIORITY"]
    lut["fraction_bits"], lut["bits"] = FRACTION_BITS[unit.unit], RESULT_BITS[unit.unit]
    assert unit.tables is not None
    lut["le_entries"], lut["lo_entries"] = unit.tables
    return lut


@njit
def _place(table, value):
    """Return (HIT, BELOW or ABOVE; index; distance behind the entry; log2 of the distance to the next)."""
    behind = value - table["start"]
    if behind <= 0:
        return BELOW, 0, 0, 0
    if table["exponential"]:
        power = 0
        while behind >> (power + 1):
            power += 1
        index, rest = power - table["offset"], behind - (1 << power)
        if index < 0:
            return BELOW, 0, 0, 0
    else:
        power = table["select"]
        if power >= 0:
            index, rest = behind >> power, behind & ((1 << power) - 1)
        else:
            index, rest = (table["last"] if behind >> 16 else behind << -power), 0
    if index >= table["last"]:
        return ABOVE, table["last"], 0, 0
    return HIT, index, rest, power


@njit
def _value(lut, table, entries, value, where, index, rest, power):
    """Return what one table makes of ``value``."""
    if where == HIT:
        fraction_bits = min(lut["fraction_bits"], 35)
        if power > fraction_bits:
            fraction = rest >> (power - fraction_bits)
        else:
            fraction = rest << (fraction_bits - max(power, 0))
        step = (entries[index + 1] - entries[index]) * fraction
        if lut["bits"] == 32:  # SDP rounds the sum, CDP the step
            return shift_signed((entries[index] << fraction_bits) + step, fraction_bits, 32)
        return saturate(entries[index] + shift_signed(step, fraction_bits, 56), 16)
    if where == BELOW:
        distance = value - table["start"]
        if table["exponential"] and (table["offset"] > 0 or (table["offset"] == 0 and lut["bits"] == 16)):
            distance -= 1 << table["offset"]
        scale, shift, entry = table["below_scale"], table["below_shift"], entries[0]
    else:
        distance = value - table["end"]
        scale, shift, entry = table["above_scale"], table["above_shift"], entries[table["last"]]
    step = shift_signed(distance * scale, shift, 32 if lut["bits"] == 32 else 56)
    return saturate(entry + step, lut["bits"])


@njit
def chooses_lo(lut, le, lo):
    """Tell whether LO gives the result, from HIT, BELOW or ABOVE of both tables."""
    if le == BELOW and lo == BELOW:
        return lut["below_lo"] != 0
    if le == ABOVE and lo == ABOVE:
        return lut["above_lo"] != 0
    if (le == HIT) != (lo == HIT):
        return lo == HIT
    return lut["hybrid_lo"] != 0


@njit
def look_up(lut, value):
    """Return what the two tables make of ``value``; lut: a LUT row."""
    le, le_index, le_rest, le_power = _place(lut["le"], value)
    lo, lo_index, lo_rest, lo_power = _place(lut["lo"], value)
    if chooses_lo(lut, le, lo):
        return _value(lut, lut["lo"], lut["lo_entries"], value, lo, lo_index, lo_rest, lo_power)
    return _value(lut, lut["le"], lut["le_entries"], value, le, le_index, le_rest, le_power)
