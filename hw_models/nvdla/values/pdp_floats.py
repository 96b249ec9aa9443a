"""What PDP computes in FP16: maxima and minima as they are, averages in FP17.

A row of a window is added up from the left, then its padding value; a further row comes in front of the sum
of those above; then the padding value of lines that lie outside, times the window's width. Sources (branch
nvdlav1): NV_NVDLA_PDP_CORE_{unit1d,cal1d,cal2d}.v.
"""

from hw_models.jit import njit
from hw_models.nvdla.values.floats import FP16, FP17, add, choose, from_integer, multiply, narrow, widen
from hw_models.nvdla.values.pdp import AVERAGE, MAXIMUM

E16, M16 = FP16
E17, M17 = FP17
FP17_MASK = (1 << 17) - 1


@njit
def _join(method, first, second):
    """Return what two elements of a window make together; the first one's NaN wins."""
    if method == AVERAGE:
        return add(first, second, E17, M17)
    return choose(first, second, method == MAXIMUM, E16, M16)


@njit
def _padded(pool, value, outside):
    """Return a sum with the padding value of ``outside`` elements."""
    if pool["method"] != AVERAGE or outside == 0:
        return value
    return add(value, pool["padding"][min(outside, 7)] & FP17_MASK, E17, M17)


@njit
def _row(pool, line, c, first):
    """Return (whether any element lies inside, sum or extreme) of a window's row; line: (width, channels)."""
    found, value, outside = False, line[0, c] * 0, 0
    for x in range(first, first + pool["width"]):
        if x < 0 or x >= line.shape[0]:
            outside += 1
            continue
        element = line[x, c]
        if pool["method"] == AVERAGE:
            element = widen(element, E16, M16, E17, M17, True)
        value = _join(pool["method"], value, element) if found else element
        found = True
    return found, _padded(pool, value, outside)


@njit
def _average(pool, value, outside):
    """Return the average (FP16) that a window's sum makes; ``outside``: lines that are padding."""
    if outside:
        lines = pool["padding"][min(outside, 7)] & FP17_MASK
        width = from_integer(pool["width"], 8, E17, M17)
        value = add(value, multiply(lines, width, E17, M17), E17, M17)
    value = multiply(value, pool["one_width"] & FP17_MASK, E17, M17)
    value = multiply(value, pool["one_height"] & FP17_MASK, E17, M17)
    return narrow(value, E17, M17, E16, M16, True)


@njit
def pool_floats(pool, cube, out):
    """Pool FP16 bit patterns ``cube`` (height, width, channels) int64 into ``out``; see ``pool_cube``."""
    for y in range(out.shape[0]):
        top = y * pool["stride_y"] - pool["top"]
        for x in range(out.shape[1]):
            first = x * pool["stride_x"] - pool["left"]
            for c in range(out.shape[2]):
                found, value, outside = False, cube[0, 0, c] * 0, 0
                for row in range(top, top + pool["height"]):
                    if row < 0 or row >= cube.shape[0]:
                        outside += 1
                        continue
                    inside, part = _row(pool, cube[row], c, first)
                    if inside:
                        value = _join(pool["method"], part, value) if found else part
                        found = True
                out[y, x, c] = _average(pool, value, outside) if pool["method"] == AVERAGE else value
