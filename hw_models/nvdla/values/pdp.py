"""What PDP computes: maximum, minimum or average of each window.

An average adds up the elements of the window and a padding value for each that lies outside, then multiplies
by 1/width and by 1/height as fractions of 2**16, rounding after each. Maximum and minimum leave padding out.
"""

from typing import Any

import numpy as np

from hw_models.jit import njit
from hw_models.nvdla.registers import Settings
from hw_models.nvdla.values.rounding import shift_right

AVERAGE, MAXIMUM, MINIMUM = 0, 1, 2

POOL = np.dtype(
    [
        ("method", np.int64),
        ("width", np.int64),  # of the window
        ("height", np.int64),
        ("stride_x", np.int64),
        ("stride_y", np.int64),
        ("left", np.int64),
        ("top", np.int64),
        ("one_width", np.int64),  # 2**16 / width
        ("one_height", np.int64),
        ("padding", np.int64, (8,)),  # what 0, 1, ... 7 padded elements of a row add
    ]
)


def pool_of(pdp: Settings) -> Any:
    """Return the POOL row of PDP's registers."""
    pool = np.zeros(1, POOL)[0]
    pool["method"] = pdp["POOLING_METHOD"]
    pool["width"], pool["height"] = pdp["KERNEL_WIDTH"] + 1, pdp["KERNEL_HEIGHT"] + 1
    pool["stride_x"], pool["stride_y"] = pdp["KERNEL_STRIDE_WIDTH"] + 1, pdp["KERNEL_STRIDE_HEIGHT"] + 1
    pool["left"], pool["top"] = pdp["PAD_LEFT"], pdp["PAD_TOP"]
    pool["one_width"], pool["one_height"] = pdp["RECIP_KERNEL_WIDTH"], pdp["RECIP_KERNEL_HEIGHT"]
    pool["padding"][1:] = [pdp.signed(f"PAD_VALUE_{count}X") for count in range(1, 8)]
    return pool


@njit
def _row(pool, line, c, first):
    """Return the sum or extreme of a window's row from column ``first`` on; line: (width, channels)."""
    value, found, outside = np.int64(0), False, 0
    for x in range(first, first + pool["width"]):
        if x < 0 or x >= line.shape[0]:
            outside += 1
            continue
        element = np.int64(line[x, c])
        if pool["method"] == AVERAGE:
            value += element
        elif not found:
            value = element
        elif pool["method"] == MAXIMUM:
            value = max(value, element)
        else:
            value = min(value, element)
        found = True
    if pool["method"] == AVERAGE:
        value += pool["padding"][min(outside, 7)]
    return value


@njit
def pool_cube(pool, cube, out):
    """Pool ``cube`` (height, width, channels) into ``out`` (out_height, out_width, channels), both int64."""
    for y in range(out.shape[0]):
        top = y * pool["stride_y"] - pool["top"]
        for x in range(out.shape[1]):
            first = x * pool["stride_x"] - pool["left"]
            for c in range(out.shape[2]):
                value, found, outside = np.int64(0), False, 0
                for row in range(top, top + pool["height"]):
                    if row < 0 or row >= cube.shape[0]:
                        outside += 1
                        continue
                    part = _row(pool, cube[row], c, first)
                    if pool["method"] == AVERAGE:
                        value += part
                    elif not found:
                        value = part
                    elif pool["method"] == MAXIMUM:
                        value = max(value, part)
                    else:
                        value = min(value, part)
                    found = True
                if pool["method"] == AVERAGE:
                    value += pool["padding"][min(outside, 7)] * pool["width"]
                    value = shift_right(value * pool["one_width"], 16)
                    value = shift_right(value * pool["one_height"], 16)
                out[y, x, c] = value
