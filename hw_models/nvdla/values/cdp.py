"""What CDP computes: local response normalisation across channels by a look-up table.

Input converter (9 bits for INT8), sum of squares over 3 to 9 channels, look-up, product with the centre,
output converter. Widths: NV_NVDLA_CDP_DP_{cvtin,sum,mul,cvtout}.v.
"""

import numpy as np

from hw_models.jit import njit
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.lut import LUT, look_up, lut_of
from hw_models.nvdla.values.rounding import convert, low_bits, saturate, shift_right

CDP = np.dtype(
    [
        ("reach", np.int64),  # channels on each side
        ("square", np.int64),  # 1: the table sees the sum of squares; 0: the value
        ("multiply", np.int64),  # 1: the table's result times the value
        ("in_offset", np.int64),
        ("in_scale", np.int64),
        ("in_shift", np.int64),
        ("out_offset", np.int64),
        ("out_scale", np.int64),
        ("out_shift", np.int64),
        ("in_bits", np.int64),  # behind the input converter: 9, or 17 for 16-bit data
        ("bits", np.int64),  # of the output
        ("lut", LUT),
    ]
)


def cdp_of(cdp: Settings, *, narrow: bool) -> np.ndarray:
    """Return CDP's settings as one CDP row, shape (); ``narrow``: INT8."""
    row = np.zeros(1, CDP)[0]
    row["reach"] = cdp["NORMALZ_LEN"] + 1
    row["square"], row["multiply"] = not cdp["SQSUM_BYPASS"], not cdp["MUL_BYPASS"]
    row["in_offset"] = low_bits(cdp["DATIN_OFFSET"], 8 if narrow else 16)
    row["in_scale"], row["in_shift"] = cdp.signed("DATIN_SCALE"), cdp["DATIN_SHIFTER"]
    row["out_offset"] = low_bits(cdp["DATOUT_OFFSET"], 25 if narrow else 32)
    row["out_scale"], row["out_shift"] = cdp.signed("DATOUT_SCALE"), cdp["DATOUT_SHIFTER"]
    row["in_bits"], row["bits"] = (9, 8) if narrow else (17, 16)
    row["lut"] = lut_of(cdp)
    return row


@njit
def normalise(cdp, values, channels):
    """Normalise ``values`` (pixels, channels of whole atoms) int64 in place; ``channels`` of them count."""
    converted = np.zeros(values.shape[1] + 8, np.int64)
    for p in range(values.shape[0]):
        for c in range(values.shape[1]):
            converted[c + 4] = 0
            if c < channels:
                wide = (values[p, c] - cdp["in_offset"]) * cdp["in_scale"]
                converted[c + 4] = saturate(shift_right(wide, cdp["in_shift"]), cdp["in_bits"])
        for c in range(values.shape[1]):
            centre = converted[c + 4]
            key = centre
            if cdp["square"]:
                key = np.int64(0)
                for i in range(c + 4 - cdp["reach"], c + 5 + cdp["reach"]):
                    key += converted[i] * converted[i]
            result = look_up(cdp["lut"], key)
            if cdp["multiply"]:
                result *= centre
            out = convert(result, cdp["out_offset"], cdp["out_scale"], cdp["out_shift"], cdp["bits"])
            values[p, c] = out
