"""What SDP computes: sub-units X1, X2 and Y one after the other, then the output converter.

X1 and X2: ALU (maximum, minimum or sum, the operand shifted left), multiplier with a rounding shift, ReLU or
PReLU, in 32 bits. Y: operands through a converter each, multiplier, ALU, look-up tables. Widths: hardware
manual, "Single Data Point Processor"; order: NV_NVDLA_SDP_CORE_{x,Y_core,c}.v.
"""

import numpy as np

from hw_models.jit import njit
from hw_models.nvdla.launch import is_on, reads_alu, reads_mul
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.floats import FP16, from_integer
from hw_models.nvdla.values.lut import LUT, look_up, lut_of
from hw_models.nvdla.values.rounding import convert, low_bits, saturate, shift_left, shift_right

MAX, MIN, SUM, EQUAL = 0, 1, 2, 3  # ALU algorithms
E16, M16 = FP16

SUB_UNIT = np.dtype(
    [
        ("on", np.int64),
        ("alu", np.int64),  # 1: works
        ("algorithm", np.int64),
        ("alu_shift", np.int64),  # operand to the left
        ("mul", np.int64),  # 1: works
        ("mul_shift", np.int64),  # product to the right
        ("prelu", np.int64),  # 1: positive values pass the multiplier
        ("relu", np.int64),
    ]
)
CONVERTER = np.dtype([("on", np.int64), ("offset", np.int64), ("scale", np.int64), ("shift", np.int64)])
Y_UNIT = np.dtype(
    [
        ("on", np.int64),
        ("alu", np.int64),
        ("algorithm", np.int64),
        ("mul", np.int64),
        ("mul_shift", np.int64),
        ("prelu", np.int64),
        ("alu_converter", CONVERTER),
        ("mul_converter", CONVERTER),
        ("alu_memory", np.int64),  # 1: the operand comes from memory, 0: from a register
        ("mul_memory", np.int64),
        ("look_up", np.int64),
        ("lut", LUT),
    ]
)
SDP = np.dtype(
    [
        ("x1", SUB_UNIT),
        ("x2", SUB_UNIT),
        ("y", Y_UNIT),
        ("offset", np.int64),
        ("scale", np.int64),
        ("shift", np.int64),
        ("bits", np.int64),  # of the output
        ("floats", np.int64),  # 1: the output is FP16
        ("nan_to_zero", np.int64),  # of FP16 inputs and operands
        ("equal", np.int64),  # 1: Y compares, nothing is converted
    ]
)


def sdp_of(sdp: Settings, has_y: bool, has_lut: bool) -> np.ndarray:
    """Return SDP's settings as one SDP row, shape (); a unit that the accelerator lacks lets data through."""
    row = np.zeros(1, SDP)[0]
    for key, name in (("x1", "BS"), ("x2", "BN")):
        unit = row[key]
        unit["on"] = is_on(sdp, key)
        unit["alu"], unit["mul"] = not sdp[f"{name}_ALU_BYPASS"], not sdp[f"{name}_MUL_BYPASS"]
        unit["algorithm"], unit["alu_shift"] = sdp[f"{name}_ALU_ALGO"], sdp[f"{name}_ALU_SHIFT_VALUE"]
        unit["mul_shift"], unit["prelu"] = sdp[f"{name}_MUL_SHIFT_VALUE"] & 0x3F, sdp[f"{name}_MUL_PRELU"]
        unit["relu"] = not sdp[f"{name}_RELU_BYPASS"]
    y = row["y"]
    y["on"] = is_on(sdp, "y") and has_y
    y["alu"], y["mul"] = not sdp["EW_ALU_BYPASS"], not sdp["EW_MUL_BYPASS"]
    y["algorithm"], y["mul_shift"], y["prelu"] = sdp["EW_ALU_ALGO"], sdp["EW_TRUNCATE"], sdp["EW_MUL_PRELU"]
    y["alu_memory"], y["mul_memory"] = reads_alu(sdp, "y"), reads_mul(sdp, "y")
    for key, name in (("alu_converter", "EW_ALU_CVT"), ("mul_converter", "EW_MUL_CVT")):
        y[key]["on"] = not sdp[f"{name}_BYPASS"]
        y[key]["offset"], y[key]["scale"] = sdp.signed(f"{name}_OFFSET"), sdp.signed(f"{name}_SCALE")
        y[key]["shift"] = sdp[f"{name}_TRUNCATE"]
    y["look_up"] = has_lut and not sdp["EW_LUT_BYPASS"]
    if y["on"] and y["look_up"]:
        y["lut"] = lut_of(sdp)
    row["offset"], row["scale"] = sdp.signed("CVT_OFFSET"), sdp.signed("CVT_SCALE")
    row["shift"] = sdp["CVT_SHIFT"]
    row["bits"] = 8 if sdp["OUT_PRECISION"] == 0 else 16
    row["floats"], row["nan_to_zero"] = sdp["OUT_PRECISION"] == 2, sdp["NAN_TO_ZERO"]
    row["equal"] = y["on"] and y["alu"] and y["algorithm"] == EQUAL
    return row


@njit
def _alu(algorithm, value, operand):
    if algorithm == MAX:
        return max(value, operand)
    if algorithm == MIN:
        return min(value, operand)
    if algorithm == EQUAL:
        return np.int64(value != operand)
    return value + operand


@njit
def _sub_unit(unit, value, alu_operand, mul_operand):
    """Return what X1 or X2 makes of a value (32 bits)."""
    if unit["alu"]:
        algorithm = SUM if unit["algorithm"] == EQUAL else unit["algorithm"]
        value = _alu(algorithm, value, shift_left(alu_operand, unit["alu_shift"], 32))
    if unit["mul"] and unit["prelu"] and value >= 0:
        value = low_bits(value, 32)
    else:  # the shifter works without the multiplier, too
        product = value * mul_operand if unit["mul"] else value
        value = saturate(shift_right(product, unit["mul_shift"]), 32)
    return max(value, 0) if unit["relu"] else value


@njit
def _operand(converter, from_memory, value):
    """Return an operand of Y behind its converter (32 bits), which a register's does not pass."""
    if not (converter["on"] and from_memory):
        return value
    return convert(value, converter["offset"], converter["scale"], converter["shift"], 32)


@njit
def _y_unit(unit, value, alu_operand, mul_operand):
    """Return what Y makes of a value (32 bits). Operands are converted already."""
    if unit["mul"] and not (unit["prelu"] and value >= 0):
        value = saturate(shift_right(value * mul_operand, unit["mul_shift"]), 32)
    if unit["alu"]:
        value = saturate(_alu(unit["algorithm"], value, alu_operand), 32)
    return look_up(unit["lut"], value) if unit["look_up"] else value


@njit
def post_process(sdp, values, operands):
    """Run ``values`` through SDP in place; sdp: an SDP row.

    values: (pixels, channels) int64; operands: (6, pixels or 1, channels or 1) int64, ALU and multiplier of
    X1, X2 and Y.
    """
    pixels, channels = operands.shape[1], operands.shape[2]
    for p in range(values.shape[0]):
        at = p if pixels > 1 else 0
        for c in range(values.shape[1]):
            k = c if channels > 1 else 0
            value = values[p, c]
            if sdp["x1"]["on"]:
                value = _sub_unit(sdp["x1"], value, operands[0, at, k], operands[1, at, k])
            if sdp["x2"]["on"]:
                value = _sub_unit(sdp["x2"], value, operands[2, at, k], operands[3, at, k])
            if sdp["y"]["on"]:
                y = sdp["y"]
                alu = _operand(y["alu_converter"], y["alu_memory"], operands[4, at, k])
                mul = _operand(y["mul_converter"], y["mul_memory"], operands[5, at, k])
                value = _y_unit(y, value, alu, mul)
            if not sdp["equal"]:
                value = convert(value, sdp["offset"], sdp["scale"], sdp["shift"], 17)
                if sdp["floats"]:
                    values[p, c] = from_integer(value, 17, E16, M16)
                    continue
            values[p, c] = saturate(value, sdp["bits"])
