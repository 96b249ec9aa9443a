"""What SDP computes in FP16: X1, X2 and Y in FP32, tables in FP17, then FP16 or INT16.

Values are bit patterns. Sources (branch nvdlav1): NV_NVDLA_SDP_cmux.v (NaN to zero),
NV_NVDLA_SDP_CORE_{x,Y_core,Y_idx,Y_lut,Y_inp,c}.v.
"""

from hw_models.jit import njit
from hw_models.nvdla.values.floats import (
    FP16,
    FP17,
    FP32,
    MAX,
    ONE_FP17,
    SUM,
    add,
    choose,
    from_fraction,
    is_nan,
    multiply,
    narrow,
    relu,
    subtract,
    to_integer,
    widen,
)
from hw_models.nvdla.values.lut import ABOVE, BELOW, HIT, chooses_lo

E16, M16 = FP16
E17, M17 = FP17
E32, M32 = FP32
EQUAL = 3
FRACTION_BITS = 35  # of a place between two entries
FP32_MASK = (1 << 32) - 1
FP32_BIAS = 127


@njit
def to_fp32(value):
    """Return an FP16 number as FP32."""
    return widen(value & 0xFFFF, E16, M16, E32, M32, True)


@njit
def to_fp17(value):
    return widen(value & 0xFFFF, E16, M16, E17, M17, True)


@njit
def widen_all(values):
    """Turn FP16 bit patterns (count,) int64 into FP32 in place, as SDP's own reader does."""
    for i in range(values.size):
        values[i] = to_fp32(values[i])


@njit
def _operand(value, nan_to_zero):
    """Return an FP16 operand as FP32."""
    if nan_to_zero and is_nan(value & 0xFFFF, E16, M16):
        return value * 0
    return to_fp32(value)


@njit
def _alu(algorithm, value, operand):
    if algorithm == SUM:
        return add(value, operand, E32, M32)
    if algorithm == EQUAL:
        return value * 0 + (1 if value != operand else 0)
    return choose(value, operand, algorithm == MAX, E32, M32)


@njit
def _multiply(unit, value, operand):
    """Return a product; positive values pass a PReLU."""
    if unit["prelu"] and not value >> (E32 + M32):
        return value
    return multiply(value, operand, E32, M32)


@njit
def _sub_unit(unit, value, alu_operand, mul_operand, nan_to_zero):
    """Return what X1 or X2 makes of a value."""
    if unit["alu"]:
        value = _alu(unit["algorithm"], value, _operand(alu_operand, nan_to_zero))
    if unit["mul"]:
        value = _multiply(unit, value, _operand(mul_operand, nan_to_zero))
    return relu(value, E32, M32) if unit["relu"] else value


@njit
def _y_operand(from_memory, value, nan_to_zero):
    """Return an operand of Y: memory has FP16, a register FP32."""
    return _operand(value, nan_to_zero) if from_memory else value & FP32_MASK


@njit
def place(table, value):
    """Return (HIT, BELOW or ABOVE; index; fraction of 35 bits) of an FP32 value in a table."""
    distance = subtract(value, table["start"] & FP32_MASK, E32, M32)
    mantissa, exponent = distance & ((1 << M32) - 1), (distance >> M32 & 255) - FP32_BIAS
    if distance == 0 or distance >> 31 or is_nan(distance, E32, M32):
        return BELOW, 0, 0
    if table["exponential"]:
        index, fraction = exponent - table["offset"], mantissa << (FRACTION_BITS - M32)
        if index < 0:
            return BELOW, 0, 0
    else:
        mantissa |= 1 << M32
        shift = M32 - exponent + table["select"]  # to the right
        if shift <= 0:
            index, fraction = table["last"], 0
        else:
            index = mantissa >> min(shift, 62)
            left = FRACTION_BITS - shift
            wide = mantissa << left if left > 0 else mantissa >> min(-left, 62)
            fraction = wide & ((1 << FRACTION_BITS) - 1)
    if index >= table["last"]:
        return ABOVE, table["last"], 0
    return HIT, index, fraction


@njit
def find(lut, value):
    """Return (whether LO counts; then as ``place``) of an FP32 value in the table that counts."""
    le, le_index, le_fraction = place(lut["le"], value)
    lo, lo_index, lo_fraction = place(lut["lo"], value)
    if chooses_lo(lut, le, lo):
        return True, lo, lo_index, lo_fraction
    return False, le, le_index, le_fraction


@njit
def _beyond(table, entries, value, where):
    """Return FP17 of a value that misses a table: from its first or last entry on with a slope."""
    bias = value * 0
    if where == BELOW:
        end, scale, entry = table["start"], table["below_scale"], entries[0]
        if table["exponential"]:
            bias = (table["offset"] + FP32_BIAS & 255) << M32
    else:
        end, scale, entry = table["end"], table["above_scale"], entries[table["last"]]
    origin = add(end & FP32_MASK, bias, E32, M32)
    distance = narrow(subtract(value, origin, E32, M32), E32, M32, E17, M17, False)
    return add(to_fp17(entry), multiply(distance, to_fp17(scale), E17, M17), E17, M17)


@njit
def _value(table, entries, value, where, index, fraction):
    """Return what one table makes of a value (FP32)."""
    if where != HIT:
        return widen(_beyond(table, entries, value, where), E17, M17, E32, M32, False)
    near = value * 0 + ONE_FP17
    if fraction:
        near = from_fraction((1 << FRACTION_BITS) - fraction, FRACTION_BITS, E17, M17)
    far = from_fraction(fraction, FRACTION_BITS, E17, M17)
    first = multiply(near, to_fp17(entries[index]), E17, M17)
    second = multiply(far, to_fp17(entries[index + 1]), E17, M17)
    return widen(add(first, second, E17, M17), E17, M17, E32, M32, False)


@njit
def look_up(lut, value):
    """Return what the two tables make of an FP32 value; lut: a LUT row."""
    in_lo, where, index, fraction = find(lut, value)
    if in_lo:
        return _value(lut["lo"], lut["lo_entries"], value, where, index, fraction)
    return _value(lut["le"], lut["le_entries"], value, where, index, fraction)


@njit
def _y_unit(y, value, alu_operand, mul_operand, nan_to_zero):
    if y["mul"]:
        value = _multiply(y, value, _y_operand(y["mul_memory"], mul_operand, nan_to_zero))
    if y["alu"]:
        value = _alu(y["algorithm"], value, _y_operand(y["alu_memory"], alu_operand, nan_to_zero))
    return look_up(y["lut"], value) if y["look_up"] else value


@njit
def post_process_floats(sdp, values, operands):
    """Run FP32 bit patterns through SDP in place: FP16 bit patterns, or INT16 where ``floats`` is not set.

    values: (pixels, channels) int64; operands: (6, pixels or 1, channels or 1) int64 as in ``post_process``.
    """
    pixels, channels, flush = operands.shape[1], operands.shape[2], sdp["nan_to_zero"]
    for p in range(values.shape[0]):
        at = p if pixels > 1 else 0
        for c in range(values.shape[1]):
            k = c if channels > 1 else 0
            value = values[p, c]
            if flush and is_nan(value, E32, M32):
                value = value * 0
            if sdp["x1"]["on"]:
                value = _sub_unit(sdp["x1"], value, operands[0, at, k], operands[1, at, k], flush)
            if sdp["x2"]["on"]:
                value = _sub_unit(sdp["x2"], value, operands[2, at, k], operands[3, at, k], flush)
            if sdp["y"]["on"]:
                value = _y_unit(sdp["y"], value, operands[4, at, k], operands[5, at, k], flush)
            if sdp["equal"]:
                value &= 0xFFFF
            else:
                value = narrow(value, E32, M32, E16, M16, True)
                if not sdp["floats"]:
                    value = to_integer(value, 16, E16, M16)
            values[p, c] = value
